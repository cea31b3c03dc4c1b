"""Makes the frozen fixtures tests/fixtures/llama-* from Hugging Face transformers, the independent implementation.

Not part of the build. Run once with torch 2.13.0, transformers 5.18.0, tokenizers 0.23.2, safetensors 0.8.0:
    python scripts/reference/tiny_llama.py tests/fixtures
Every folder holds a checkpoint as transformers writes it and expected.safetensors with the logits that LlamaForCausalLM
computes from it in float64 (eager attention).
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

OUT = Path(sys.argv[1])
TEXT = [
    "Woman, 55 years, internal medicine. Reasons: hypertension, hypercholesterolemia. Diagnoses: other hyperlipidemia.",
    "Man, 31 years. Reasons: skin infection. Diagnoses: cellulitis and abscess, unspecified site. Medications: cephalexin",
    "Medications: hydrochlorothiazide, metoprolol, pravastatin, triamterene. Stop: warfarin. Add: digoxin, furosemide.",
    "Diagnoses: diabetes mellitus without complication, essential hypertension, asthma, depressive disorder.",
]
SAMPLES = ["Woman, 55 years: hypertension.", "Add:\n- digoxin\n- atorvastatin\n", "Ärztin, 3.5 mg  of naïve 药"]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def tokenizer(folder):
    """Byte-level BPE with Llama 3's splitting and a begin-of-text token."""
    one = Tokenizer(models.BPE())
    one.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(__import__("tokenizers").Regex(LLAMA3), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    one.decoder = decoders.ByteLevel()
    specials = ["<|begin_of_text|>", "<|end_of_text|>"]
    one.train_from_iterator(
        TEXT * 3,
        trainers.BpeTrainer(
            vocab_size=350, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        ),
    )
    one.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
    )
    one.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": specials[0], "eos_token": specials[1], "tokenizer_class": "PreTrainedTokenizerFast"})
    )
    samples = [{"text": text, "ids": one.encode(text).ids} for text in SAMPLES]
    (folder / "expected-tokens.json").write_text(json.dumps(samples, ensure_ascii=False, indent=1) + "\n")
    return one.get_vocab_size()


def checkpoint(name, seed, dtype, shard, with_tokenizer=False, **changes):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = tokenizer(folder) if with_tokenizer else 61
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=256,
        rms_norm_eps=1e-5,
        bos_token_id=0,
        eos_token_id=1,
        attn_implementation="eager",
        **changes,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():  # far from the initial scale, so that nothing is nearly linear
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.2) + (parameter.dim() == 1))
    model = model.to(dtype)
    model.save_pretrained(folder, max_shard_size=shard)
    for extra in ["generation_config.json"]:
        (folder / extra).unlink(missing_ok=True)

    exact = LlamaForCausalLM(config)
    exact.load_state_dict(model.state_dict())
    exact = exact.double().eval()
    generator = torch.Generator().manual_seed(seed)
    lengths = [40, 23, 7]
    ids = torch.randint(0, vocabulary, (3, 40), generator=generator)
    mask = torch.zeros(3, 40, dtype=torch.long)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
    with torch.no_grad():
        prefill = exact(input_ids=ids, attention_mask=mask).logits
        # A token at a time on transformers' own cache, behind a prefix of 30.
        first = exact(input_ids=ids[:1, :30], use_cache=True)
        cached = [first.logits[0, -1]]
        past = first.past_key_values
        for at in range(30, 40):
            step = exact(input_ids=ids[:1, at : at + 1], past_key_values=past, use_cache=True)
            past = step.past_key_values
            cached.append(step.logits[0, -1])
    save_file(
        {
            "ids": ids.to(torch.int32),
            "lengths": torch.tensor(lengths, dtype=torch.int32),
            "prefill": prefill.float().contiguous(),
            "cached": torch.stack(cached).float().contiguous(),
        },
        str(folder / "expected.safetensors"),
    )


llama3 = {
    "rope_type": "llama3",
    "rope_theta": 50000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 24,
}
checkpoint("llama-sharded", 1, torch.float32, "40KB", True, tie_word_embeddings=False, rope_parameters=llama3)
checkpoint("llama-bfloat16", 2, torch.bfloat16, "1GB", tie_word_embeddings=True)
checkpoint("llama-float16", 3, torch.float16, "1GB", tie_word_embeddings=False, head_dim=12)
