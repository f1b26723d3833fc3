/// A text as the invariant culture reads a date, as casts and `[datetime]::Parse` do.
///
/// The forms are those of .NET's "Parsing date and time strings": `2026-01-02`, `2026/1/2`, `1/2/2026` with the month
/// first, `2 Jan 2026`, `January 2, 2026`, each also behind the name of its day, and followed by a time with or without
/// `AM` or `PM`, a fraction of a second, and an offset from UTC.
struct DateText {
    /// What a text means.
    enum Reading {
        /// A date and time; the offset from UTC in ticks, where the text names one.
        case date(PSDate, offset: Int64?)
        /// Certainly no date.
        case none
        /// .NET may read it in its own way.
        case uncertain
    }

    private enum Token: Equatable {
        case number(Int, digits: Int)
        case word(String)
        case mark(UInt8)
        case blank
    }

    private var tokens: ArraySlice<Token>

    /// Reads a text.
    static func read(_ text: String) -> Reading {
        guard let tokens = tokens(of: text) else { return .uncertain }
        // A number alone is no date, nor is a text with a word that no date has.
        let said = tokens.filter { $0 != .blank }
        if said.isEmpty { return text.isEmpty ? .none : .uncertain }
        if said.count == 1, case .number = said[0] { return .none }
        for case .word(let word) in said where !isKnown(word) { return .none }
        var reader = DateText(tokens: tokens[...])
        return reader.dateAndTime()
    }

    /// Returns the moment of today that a time without a date means; `nil` for any other text.
    static func today(_ text: String) -> PSDate? {
        guard let tokens = tokens(of: text) else { return nil }
        var reader = DateText(tokens: tokens[...])
        guard let clock = reader.time(), reader.tokens.isEmpty else { return nil }
        let day = PSZone.now.parts
        return PSDate(
            day.year, day.month, day.day, clock.hour, clock.minute, clock.second, fraction: clock.fraction)
    }

    /// Returns .NET's words for a text that is no date, and whether they are certain.
    static func fault(of text: String) -> (message: String, isCertain: Bool) {
        guard text.contains(where: \.isLetter) else {
            return ("String '\(text)' was not recognized as a valid DateTime.", true)
        }
        let word = beginsWithUnknownWord(text) ? " There is an unknown word starting at index '0'." : ""
        return ("The string '\(text)' was not recognized as a valid DateTime.\(word)", !word.isEmpty)
    }

    /// Returns whether a text begins with a word that no date has.
    private static func beginsWithUnknownWord(_ text: String) -> Bool {
        if case .word(let word)? = tokens(of: text)?.first { !isKnown(word) } else { false }
    }

    private static func isKnown(_ word: String) -> Bool {
        month(word) != nil || day(word) != nil || ["am", "pm", "a", "p", "t", "z", "gmt", "utc"].contains(word)
    }

    private static func month(_ word: String) -> Int? { place(of: word, in: PSDate.months).map { $0 + 1 } }

    private static func day(_ word: String) -> Int? { place(of: word, in: PSDate.days) }

    /// Returns the place of a name that a word is, or whose first three letters it is.
    private static func place(of word: String, in names: [String]) -> Int? {
        names.firstIndex { $0.lowercased() == word || $0.prefix(3).lowercased() == word }
    }

    private static func tokens(of text: String) -> [Token]? {
        var tokens: [Token] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.first {
            switch first {
            case 0x20:
                tokens.append(.blank)
                rest = rest.drop { $0 == 0x20 }
            case 0x30...0x39:
                let digits = rest.prefix { (0x30...0x39).contains($0) }
                guard digits.count < 10 else { return nil }
                tokens.append(.number(digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }, digits: digits.count))
                rest = rest.dropFirst(digits.count)
            case 0x41...0x5A, 0x61...0x7A:
                let letters = rest.prefix { (0x61...0x7A).contains($0 | 0x20) }
                tokens.append(.word(String(decoding: letters, as: UTF8.self).lowercased()))
                rest = rest.dropFirst(letters.count)
            default:
                tokens.append(.mark(first))
                rest = rest.dropFirst()
            }
        }
        if tokens.first == .blank { tokens.removeFirst() }
        if tokens.last == .blank { tokens.removeLast() }
        return tokens
    }

    private mutating func take(_ mark: Character) -> Bool {
        guard case .mark(let byte)? = tokens.first, byte == mark.asciiValue else { return false }
        tokens.removeFirst()
        return true
    }

    private mutating func takeBlank() -> Bool {
        guard tokens.first == .blank else { return false }
        tokens.removeFirst()
        return true
    }

    private mutating func takeNumber(_ digits: ClosedRange<Int>) -> (value: Int, digits: Int)? {
        guard case .number(let value, let count)? = tokens.first, digits.contains(count) else { return nil }
        tokens.removeFirst()
        return (value, count)
    }

    private mutating func takeWord<Meaning>(_ meaning: (String) -> Meaning?) -> Meaning? {
        guard case .word(let word)? = tokens.first, let found = meaning(word) else { return nil }
        tokens.removeFirst()
        return found
    }

    private struct Day {
        var year: Int
        var month: Int
        var day: Int
        /// Whether it is written as in ISO 8601, so that a time may follow a `T`.
        var isISO = false
    }

    private mutating func dateAndTime() -> Reading {
        let weekday = takeWord(Self.day)
        if weekday != nil {
            _ = take(",")
            _ = takeBlank()
        }
        guard let day = date() else { return .uncertain }
        var clock = (hour: 0, minute: 0, second: 0, fraction: Int64(0))
        var offset: Int64?
        if !tokens.isEmpty {
            guard takeBlank() || day.isISO && takeWord({ $0 == "t" ? true : nil }) != nil, let time = time() else {
                return .uncertain
            }
            clock = time
            if !tokens.isEmpty {
                guard let zone = zone(), tokens.isEmpty else { return .uncertain }
                offset = zone
            }
        }
        guard
            let date = PSDate(
                day.year, day.month, day.day, clock.hour, clock.minute, clock.second, fraction: clock.fraction)
        else { return .none }
        // .NET refuses a date on another day of the week.
        if let weekday, weekday != date.weekday { return .uncertain }
        return .date(date, offset: offset)
    }

    private mutating func date() -> Day? {
        if let month = takeWord(Self.month) {
            guard takeBlank(), let day = takeNumber(1...2) else { return nil }
            let hasComma = take(",")
            guard takeBlank() || hasComma, let year = takeNumber(4...4) else { return nil }
            return Day(year: year.value, month: month, day: day.value)
        }
        guard let first = takeNumber(1...4) else { return nil }
        if first.digits < 3, takeBlank() || isBeforeMonth && take("-") {
            guard let month = takeWord(Self.month) else { return nil }
            _ = take(",")
            guard takeBlank() || take("-"), let year = takeNumber(2...4) else { return nil }
            return fullYear(year).map { Day(year: $0, month: month, day: first.value) }
        }
        let separator: Character = take("-") ? "-" : "/"
        guard separator == "-" || take("/"), let second = takeNumber(1...2), take(separator),
            let third = takeNumber(1...4)
        else { return nil }
        if first.digits == 4 {
            guard third.digits < 3 else { return nil }
            return Day(
                year: first.value, month: second.value, day: third.value,
                isISO: separator == "-" && second.digits == 2 && third.digits == 2)
        }
        guard first.digits < 3, third.digits != 3 else { return nil }
        return fullYear(third).map { Day(year: $0, month: first.value, day: second.value) }
    }

    /// Whether a dash and the name of a month follow.
    private var isBeforeMonth: Bool {
        if case .word? = tokens.dropFirst().first { true } else { false }
    }

    /// Returns a year with its century; `nil` for those between the limits of different versions of .NET.
    private func fullYear(_ year: (value: Int, digits: Int)) -> Int? {
        switch (year.digits, year.value) {
        case (4, _): year.value
        case (2, ..<30): 2000 + year.value
        case (2, 50...): 1900 + year.value
        default: nil
        }
    }

    private mutating func time() -> (hour: Int, minute: Int, second: Int, fraction: Int64)? {
        guard let hour = takeNumber(1...2) else { return nil }
        var minute = 0
        var second = 0
        var fraction: Int64 = 0
        let hasMinutes = take(":")
        if hasMinutes {
            guard let minutes = takeNumber(2...2) else { return nil }
            minute = minutes.value
            if take(":") {
                guard let seconds = takeNumber(2...2) else { return nil }
                second = seconds.value
                if take(".") {
                    guard let part = takeNumber(1...7) else { return nil }
                    fraction = Int64(part.value)
                    for _ in part.digits..<7 { fraction *= 10 }
                }
            }
        }
        let before = tokens
        _ = takeBlank()
        guard let half = takeWord({ ["am": 0, "a": 0, "pm": 12, "p": 12][$0] }) else {
            tokens = before
            return hasMinutes ? (hour.value, minute, second, fraction) : nil
        }
        guard (1...12).contains(hour.value) else { return nil }
        return (hour.value % 12 + half, minute, second, fraction)
    }

    /// Takes an offset from UTC: `Z`, `GMT`, `+01:00`.
    private mutating func zone() -> Int64? {
        let hasBlank = takeBlank()
        if let zone = takeWord({ $0 == "z" && !hasBlank || $0 == "gmt" && hasBlank ? Int64(0) : nil }) { return zone }
        let isNegative = take("-")
        guard isNegative || take("+"), let hours = takeNumber(2...2), hours.value < 15, take(":"),
            let minutes = takeNumber(2...2), minutes.value < 60
        else { return nil }
        let offset = Int64(hours.value) * PSSpan.hour + Int64(minutes.value) * PSSpan.minute
        return isNegative ? -offset : offset
    }
}
