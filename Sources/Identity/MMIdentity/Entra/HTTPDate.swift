package import MMCore

/// Parses dates of HTTP headers (RFC 9110, section 5.6.7).
package enum HTTPDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// Parses a date in any of the three forms that a recipient must accept; returns `nil` for anything else.
    package static func timestamp(_ text: String) -> Timestamp? {
        let words = text.lowercased().split { $0 == " " || $0 == "," || $0 == "-" }.map(String.init)
        // Sun, 06 Nov 1994 08:49:37 GMT · Sunday, 06-Nov-94 08:49:37 GMT · Sun Nov  6 08:49:37 1994
        if words.count == 6, words[5] == "gmt" || words[5] == "utc" {
            return moment(day: words[1], month: words[2], year: words[3], clock: words[4])
        }
        if words.count == 5 { return moment(day: words[2], month: words[1], year: words[4], clock: words[3]) }
        return nil
    }

    private static func moment(day: String, month: String, year: String, clock: String) -> Timestamp? {
        guard let index = months.firstIndex(of: month), (1...2).contains(day.utf8.count),
            year.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        let fullYear: String
        switch year.utf8.count {
        case 4: fullYear = year
        case 2: fullYear = (year < "70" ? "20" : "19") + year
        default: return nil
        }
        let twoDigits = { (text: String) in text.utf8.count == 1 ? "0" + text : text }
        return Timestamp(iso8601: "\(fullYear)-\(twoDigits(String(index + 1)))-\(twoDigits(day))T\(clock)Z")
    }
}
