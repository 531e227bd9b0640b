"""Letters to farms."""

LETTERS: dict[str, str] = {
    # Letters to farms
    "{farm}: fields that need a look: {n} (pass of {day})": "{farm}: осмотрите поля — {n} (съёмка {day})",
    "{farm}: fields have recovered (pass of {day})": "{farm}: поля выправились (съёмка {day})",
    "The places to go to are attached: places.kml for maps, places.gpx for navigators.": "Точки для осмотра приложены: places.kml — для карт, places.gpx — для навигатора.",
    "A satellite sees that plants are behind, not why: look before you act.": "Со спутника видно, что растения отстают, но не видно почему: сначала осмотрите поле.",
    "Field {name}{crop}, {area} ha": "Поле {name}{crop}, {area} га",
    "{field}: what was seen on {since} has passed.": "{field}: отставание, замеченное {since}, прошло.",
    "... and {n} more in the attached places": "... и ещё {n}, точки приложены",
    "a part of {area} ha is behind the rest of the field": "участок {area} га отстаёт от остального поля",
    "the whole field is behind its neighbours of the same crop": "всё поле отстаёт от соседних полей той же культуры",
    "seen once: a cloud that was not recognised is possible": "видно на одной съёмке, возможно нераспознанное облако",
    "confirmed by {n} looks": "подтверждено съёмками: {n}",
    "{field}: {what}, NDVI {drop} below expectation, since {since}; {sure}. Last clear look {last}.": "{field}: {what}, NDVI ниже ожидаемого на {drop}, с {since}; {sure}. Последняя ясная съёмка {last}.",
    "Look at": "Осмотрите",
    "Fields without a farm": "Поля без хозяйства",
    "{where}: letters cannot be laid here ({met})": "{where}: сюда нельзя положить письма ({met})",
    "choose another folder in messages.outbox; the letters are made again then": "выберите другую папку в messages.outbox; письма будут составлены заново",
    "{where}: the mail server offers no encryption, and a password is set": "{where}: почтовый сервер не предлагает шифрования, а пароль задан",
    "take its port for encrypted mail (587), or a server that needs no password": "возьмите его порт с шифрованием (587) или сервер без пароля",
    "{where}: the mail server did not take the letter ({met})": "{where}: почтовый сервер не принял письмо ({met})",
    "check messages.smtp and the network; the letter is sent after the next pass": "проверьте messages.smtp и сеть; письмо уйдёт после следующей съёмки",
    "{where}: not a table of addresses ({met})": "{where}: это не таблица адресов ({met})",
    "write CSV, UTF-8, with the columns farm_id and email": "нужен CSV в UTF-8 со столбцами farm_id и email",
    "Fields and parts of fields that fall behind: {n}": "Отстающих полей и участков: {n}",
    "Letters to farms: {n}": "Письма хозяйствам: {n}",
}
