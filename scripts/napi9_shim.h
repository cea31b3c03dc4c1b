// Development and tests only: lets better-sqlite3 13 (Node-API 10) run on a Node-API 9 host (Electron 33).
// The only behaviour of version 10 that it uses is napi_ref to primitive values (strings), so box those in an object.
#pragma once
#include <node_api.h>
#include <mutex>
#include <unordered_set>

namespace napi9 {

inline std::mutex& guard() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

inline std::unordered_set<napi_ref>& boxed() {
  static auto* references = new std::unordered_set<napi_ref>;
  return *references;
}

inline bool is_boxed(napi_ref reference) {
  std::lock_guard<std::mutex> lock(guard());
  return boxed().count(reference) > 0;
}

inline napi_status create_reference(napi_env env, napi_value value, uint32_t count, napi_ref* out) {
  napi_valuetype type;
  napi_status status = napi_typeof(env, value, &type);
  if (status != napi_ok) return status;
  if (type == napi_object || type == napi_function || type == napi_symbol || type == napi_external) {
    return napi_create_reference(env, value, count, out);
  }
  napi_value box;
  if ((status = napi_create_object(env, &box)) != napi_ok) return status;
  if ((status = napi_set_named_property(env, box, "v", value)) != napi_ok) return status;
  if ((status = napi_create_reference(env, box, count, out)) != napi_ok) return status;
  std::lock_guard<std::mutex> lock(guard());
  boxed().insert(*out);
  return napi_ok;
}

inline napi_status get_reference_value(napi_env env, napi_ref reference, napi_value* out) {
  napi_status status = napi_get_reference_value(env, reference, out);
  if (status != napi_ok || *out == nullptr || !is_boxed(reference)) return status;
  return napi_get_named_property(env, *out, "v", out);
}

inline napi_status delete_reference(napi_env env, napi_ref reference) {
  {
    std::lock_guard<std::mutex> lock(guard());
    boxed().erase(reference);
  }
  return napi_delete_reference(env, reference);
}

}  // namespace napi9

#define napi_create_reference napi9::create_reference
#define napi_get_reference_value napi9::get_reference_value
#define napi_delete_reference napi9::delete_reference
