"""What offices tell of output: refusals of the tables of data/statistics."""

OUTPUT_INPUTS: dict[str, str] = {
    "{where}: there is no {met}.csv and no {met}.xlsx": "{where}: нет ни {met}.csv, ни {met}.xlsx",
    "fill the template of data/statistics and lay it there": "заполните шаблон из data/statistics и положите его туда",
    "{where}: an annual index of {met} %, expected 50 to 200 % of the year before": "{where}: годовой индекс {met} %, ожидается от 50 до 200 % к предыдущему году",
    "{where}: the price of {product} is {met}, expected one above zero": "{where}: цена ({product}) указана как {met}, ожидается больше нуля",
    "{where}: organisations, farmers and households make {parts} together, the row of all says {whole}; none of them is used": "{where}: организации, фермеры и хозяйства населения вместе дают {parts}, а в строке «все категории» {whole}; ни одна из этих строк не взята",
    "find out which row is wrong": "выясните, в какой строке ошибка",
    "{where}: {met} {unit} of {product}, where {expected} is usual; the unit looks wrong, so it is not used": "{where}: {met} {unit} ({product}), тогда как обычно {expected}; похоже, перепутана единица, значение не взято",
    "check whether thousand tonnes were written as tonnes": "проверьте, не записаны ли тысячи тонн как тонны",
    "write digits with a decimal comma or point": "пишите цифрами, с десятичной запятой или точкой",
    "{where}: no product is called {met}": "{where}: нет продукции с названием {met}",
    "use a name of configs/products.toml or configs/crops.toml": "возьмите название из configs/products.toml или configs/crops.toml",
    "{where}: published on {met}, expected a day from {first} to {last}": "{where}: дата публикации {met}, ожидается день от {first} до {last}",
    "write the day on which this figure was published": "впишите день, когда эта цифра была опубликована",
}
