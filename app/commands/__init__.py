"""Groups of `letterbox` commands that stand beside those in `app.cli`."""
