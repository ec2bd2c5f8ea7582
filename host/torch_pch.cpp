// Owns the precompiled <torch/torch.h> that every LibTorch-including target reuses.
