"""Jobs in the store: their control, progress and measured rates."""
