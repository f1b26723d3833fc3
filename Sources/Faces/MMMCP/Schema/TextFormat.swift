/// The text formats that are checked; others are treated as annotations, which is all the standard requires.
enum TextFormat: String, Sendable {
    case date
    case dateTime = "date-time"
    case email
    case uri
    case uuid

    /// An example for error messages.
    var example: String {
        switch self {
        case .date: "2026-07-28"
        case .dateTime: "2026-07-28T09:30:00Z"
        case .email: "name@example.com"
        case .uri: "https://example.com/path"
        case .uuid: "123e4567-e89b-42d3-a456-426614174000"
        }
    }

    func fits(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return switch self {
        case .date: Self.isDate(bytes[...])
        case .dateTime: Self.isDateTime(bytes)
        case .email: Self.isEmail(bytes)
        case .uri: Self.isURI(bytes)
        case .uuid: Self.isUUID(bytes)
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func isDate(_ text: ArraySlice<UInt8>) -> Bool {
        let text = Array(text)
        guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = number(text[0..<4]), let month = number(text[5..<7]), let day = number(text[8..<10])
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && day >= 1 && day <= days[month - 1]
    }

    /// Whether a text is a date-time (RFC 3339, section 5.6).
    private static func isDateTime(_ text: [UInt8]) -> Bool {
        guard text.count >= 20, isDate(text[..<10]), text[10] | 0x20 == UInt8(ascii: "t"),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"), let hour = number(text[11..<13]),
            let minute = number(text[14..<16]), let second = number(text[17..<19]), hour < 24, minute < 60, second <= 60
        else { return false }
        var rest = text[19...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard !fraction.isEmpty else { return false }
            rest = rest.dropFirst(1 + fraction.count)
        }
        if rest.count == 1 { return rest[rest.startIndex] | 0x20 == UInt8(ascii: "z") }
        let offset = Array(rest)
        guard offset.count == 6, offset[0] == UInt8(ascii: "+") || offset[0] == UInt8(ascii: "-"),
            offset[3] == UInt8(ascii: ":"), let hours = number(offset[1..<3]), let minutes = number(offset[4..<6])
        else { return false }
        return hours < 24 && minutes < 60
    }

    private static func isEmail(_ text: [UInt8]) -> Bool {
        guard let at = text.lastIndex(of: UInt8(ascii: "@")), at > 0, at + 1 < text.count, text.count <= 320 else {
            return false
        }
        let domain = text[(at + 1)...]
        return text.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            && !text[..<at].contains(UInt8(ascii: "@")) && domain.first != UInt8(ascii: ".")
            && domain.last != UInt8(ascii: ".")
    }

    /// Whether a text is a scheme, a colon and at least one more character, without white space (RFC 3986, section 3).
    private static func isURI(_ text: [UInt8]) -> Bool {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon + 1 < text.count else {
            return false
        }
        let scheme = text[..<colon]
        guard let first = scheme.first, (first | 0x20) >= UInt8(ascii: "a"), (first | 0x20) <= UInt8(ascii: "z") else {
            return false
        }
        let isScheme = scheme.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
        return isScheme && text.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Array("\"<>\\^`{|}".utf8).contains($0) }
    }

    private static func isUUID(_ text: [UInt8]) -> Bool {
        guard text.count == 36 else { return false }
        for (position, byte) in text.enumerated() {
            if [8, 13, 18, 23].contains(position) {
                guard byte == UInt8(ascii: "-") else { return false }
            } else {
                switch byte {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: continue
                default: return false
                }
            }
        }
        return true
    }
}
