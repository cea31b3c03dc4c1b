"""Makes the frozen fixture tests/fixtures/llama-adapter: a LoRA adapter that PEFT wrote for tests/fixtures/llama-sharded.

Not part of the build. Run once with torch 2.13.0, transformers 5.18.0, peft 0.21.0, safetensors 0.8.0:
    python scripts/reference/tiny_lora.py tests/fixtures
With a second argument it checks an adapter that Flame wrote instead: it prints the logits' largest difference from the
expected ones that stand beside it.
"""

import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

OUT = Path(sys.argv[1])
base = LlamaForCausalLM.from_pretrained(OUT / "llama-sharded", attn_implementation="eager", dtype=torch.float32)
ids = load_file(OUT / "llama-sharded" / "expected.safetensors")["ids"][:1].long()

if len(sys.argv) > 2:
    folder = Path(sys.argv[2])
    model = PeftModel.from_pretrained(base, folder).double().eval()
    expected = load_file(folder / "expected.safetensors")["logits"]
    with torch.no_grad():
        print(float((model(input_ids=ids).logits[0].float() - expected.reshape(ids.shape[1], -1)).abs().max()))
else:
    torch.manual_seed(5)
    model = get_peft_model(
        base, LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.2)
    folder = OUT / "llama-adapter"
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    model = model.double().eval()
    with torch.no_grad():
        save_file({"logits": model(input_ids=ids).logits[0].float().contiguous()}, str(folder / "expected.safetensors"))
