"""The output indicator and what it is made of."""

OUTPUT: dict[str, str] = {
    "the base year's output is worth nothing": "продукция базисного года ничего не стоит",
    "give the quantities of the base year": "укажите объёмы производства базисного года",
    "an annual index of {met} %, expected 50 to 200 % of the year before": "годовой индекс {met} %, ожидается от 50 до 200 % к предыдущему году",
    "check the number and whether it is of the year before, not of 2017": "проверьте число: индекс должен быть к предыдущему году, а не к 2017",
    "the official annual index of {met} is missing, so nothing can be said in per cent of 2017": "нет официального годового индекса за {met}, поэтому сказать что-либо в процентах к 2017 году нельзя",
    "add it to the table of annual indices with its source and the day of its publication": "добавьте его в таблицу годовых индексов с источником и днём публикации",
    "{met}: a quantity of one of the two years is missing or below zero": "{met}: объём одного из двух лет не указан или меньше нуля",
    "write what was produced, or 0 where nothing was": "впишите, сколько произведено, или 0, если не производили",
    "{where}: the price is {met}, expected one above zero": "{where}: цена {met}, ожидается больше нуля",
    "write the average producer price of that year": "впишите среднюю цену производителей за тот год",
}
