"""The schedules behind `rushlight.optim.lr_scheduler`, one file a kind."""
