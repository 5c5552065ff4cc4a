"""The local engine: any Qwen2, Qwen3, Llama or Mistral model in this process, on CPU or CUDA."""
