def is_model_wrapper(model, registry=None):
    """Grapnel shows the model itself, never a wrapper."""
    return False
