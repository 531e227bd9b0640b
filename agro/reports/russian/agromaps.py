"""Radar, bare soil, trace elements, moisture of probes, and what the pages of fields say of them."""

AGROMAPS: dict[str, str] = {
    # Kinds and steps of the review
    "radar": "радар",
    "radar passes": "радарные съёмки",
    "driest and wettest radar looks": "самые сухие и влажные радарные съёмки",
    "wetness by radar": "увлажнённость по радару",
    "colour of bare soil": "цвет открытой почвы",
    # Pages
    "Where is the soil darker?": "Где почва темнее?",
    "brightness of bare soil": "яркость открытой почвы",
    "relative surface wetness by radar": "увлажнённость поверхности по радару (относительная)",
    "0 is as at a place's driest and 1 as at its wettest looks by radar, upper 5 cm; cloud does not matter. Hatched: leaves hide the soil, or it was not seen. It has no error of its own.": "0 — как в самые сухие, 1 — как в самые влажные съёмки этого места радаром, верхние 5 см; облака не мешают. Штриховка: почву закрывают листья или её не видно. Собственной ошибки у этой карты нет.",
    "Agrees with the water balance ({rho} on {n} days).": "Согласуется с водным балансом (ранговая корреляция {rho}, дней: {n}).",
    "Does NOT agree with the water balance ({rho} on {n} days): trust neither without a look at the field.": "С водным балансом НЕ согласуется (ранговая корреляция {rho}, дней: {n}): без осмотра поля не полагайтесь ни на то, ни на другое.",
    # Radar
    "{where}: its item declares {unit}, but the middle of its pixels is {met}; farm land has {low} to {high} dB": "{where}: в описании указано «{unit}», но середина значений пикселей — {met}; на пашне бывает от {low} до {high} дБ",
    "mend `unit` in `raster:bands` of the asset: dB, or 1 for power": "исправьте `unit` в `raster:bands` файла: dB для децибел или 1 для мощности",
    "{where}: does not declare whether it holds decibels or power (met {met})": "{where}: не указано, децибелы это или мощность (указано: {met})",
    "take calibrated backscatter, and declare `unit` dB, or 1 for power, in `raster:bands` of the asset": "возьмите калиброванное обратное рассеяние и укажите `unit` в `raster:bands` файла: dB для децибел или 1 для мощности",
    "{where}: its relative orbit is {met} and its direction {state}, so nobody knows from where it looked": "{where}: относительная орбита — {met}, направление — {state}: неизвестно, откуда сделана съёмка",
    "add `sat:relative_orbit` to the item, 1 to 175, or `sat:orbit_state`, ascending or descending": "допишите в описание `sat:relative_orbit`, от 1 до 175, или `sat:orbit_state`: ascending либо descending",
    "{where}: {met} radar looks from relative orbit {orbit}, their driest and wettest need {expected}": "{where}: радарных съёмок с относительной орбиты {orbit} — {met}; чтобы узнать самую сухую и самую влажную, нужно {expected}",
    "wait for more looks, or add earlier ones; until then there is no wetness by radar from this orbit": "дождитесь новых съёмок или добавьте прошлые; до тех пор увлажнённости по радару с этой орбиты нет",
    # Soil
    "name the method by its author or its GOST, for instance Krupsky and Aleksandrova, Peive and Rinkis": "назовите метод по авторам или ГОСТу, например Крупского — Александровой, Пейве — Ринькиса",
    "No classes are known for it: the figure is shown as it is.": "Группировка обеспеченности для него неизвестна: показано само значение.",
    "Where is copper short?": "Где не хватает меди?",
    "Where is zinc short?": "Где не хватает цинка?",
    "Where is manganese short?": "Где не хватает марганца?",
    "Where is cobalt short?": "Где не хватает кобальта?",
    "Where is boron short?": "Где не хватает бора?",
    "Where is molybdenum short?": "Где не хватает молибдена?",
    "mobile copper Cu, mg/kg": "подвижная медь Cu, мг/кг",
    "mobile zinc Zn, mg/kg": "подвижный цинк Zn, мг/кг",
    "mobile manganese Mn, mg/kg": "подвижный марганец Mn, мг/кг",
    "mobile cobalt Co, mg/kg": "подвижный кобальт Co, мг/кг",
    "mobile boron B, mg/kg": "подвижный бор B, мг/кг",
    "mobile molybdenum Mo, mg/kg": "подвижный молибден Mo, мг/кг",
}
