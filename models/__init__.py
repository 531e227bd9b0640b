"""Whatever is fitted to data: `fit(table) -> Model`, `predict(model, table) -> Forecast`, a card beside it."""
