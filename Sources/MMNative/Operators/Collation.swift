/// The order of texts in the invariant culture (the root collation of CLDR), for printable ASCII and the accented
/// letters of Latin-1: white space and punctuation, then digits, then letters. If these are equal, a plain letter
/// precedes an accented one; if everything is equal, a lower-case letter precedes its capital.
enum Collation {
    private static let weights: [UInt8] = {
        var weights = [UInt8](repeating: 0, count: 128)
        let order = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"
        for (rank, unit) in order.utf8.enumerated() { weights[Int(unit)] = UInt8(rank + 1) }
        for unit in UInt8(ascii: "A")...UInt8(ascii: "Z") { weights[Int(unit)] = weights[Int(unit | 0x20)] }
        return weights
    }()

    /// The base letters of U+00E0 to U+00FF; a space where a letter has no base, or two.
    private static let bases = Array("aaaaaa ceeeeiiii nooooo  uuuuy y".utf8)
    /// The accents of those letters, in collation order: acute, grave, circumflex, ring, diaeresis, tilde, cedilla.
    private static let accents = Array("21365407213521350621365002135105".utf8)

    /// Compares two texts; returns a negative number, zero or a positive number. Hands over texts with characters that
    /// need further collation tables, unless both texts are identical.
    static func compare(_ left: String, _ right: String, ignoringCase: Bool) throws(Interrupt) -> Int {
        var (one, other) = (left, right)
        let order = one.withUTF8 { first in other.withUTF8 { second in plain(first, second, ignoringCase) } }
        if let order { return order }
        if left == right, left.utf8.count == right.utf8.count { return 0 }
        return try slow(left, right, ignoringCase)
    }

    /// Compares two texts of printable ASCII; `nil` when one of them isn't.
    private static func plain(
        _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, _ ignoringCase: Bool
    ) -> Int? {
        let common = min(left.count, right.count)
        var difference = 0
        var tertiary = 0
        for place in 0..<common {
            let unit = left[place]
            let other = right[place]
            let weight = unit < 0x80 ? weights[Int(unit)] : 0
            let second = other < 0x80 ? weights[Int(other)] : 0
            if weight == 0 || second == 0 { return nil }
            if difference == 0 {
                if weight != second {
                    difference = Int(weight) - Int(second)
                } else if tertiary == 0, unit != other {
                    tertiary = unit & 0x20 != 0 ? -1 : 1
                }
            }
        }
        for place in common..<left.count where left[place] >= 0x80 || weights[Int(left[place])] == 0 { return nil }
        for place in common..<right.count where right[place] >= 0x80 || weights[Int(right[place])] == 0 { return nil }
        if difference != 0 { return difference }
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        return ignoringCase ? 0 : tertiary
    }

    private struct Weighed {
        var primary: [UInt8] = []
        var secondary: [UInt8] = []
        var tertiary: [UInt8] = []

        init(_ text: String) throws(Interrupt) {
            for scalar in text.unicodeScalars {
                let value = scalar.value
                if value >= 0x20, value < 0x7F {
                    primary.append(weights[Int(value)])
                    secondary.append(UInt8(ascii: "0"))
                    tertiary.append((0x41...0x5A).contains(value) ? 1 : 0)
                    continue
                }
                guard (0xC0...0xFF).contains(value) else { throw .handOver("comparing text beyond Latin letters") }
                let isCapital = value < 0xE0
                let place = Int(isCapital ? value - 0xC0 : value - 0xE0)
                guard value != 0xDF, bases[place] != 0x20 else {
                    throw .handOver("comparing text beyond Latin letters")
                }
                primary.append(weights[Int(bases[place])])
                secondary.append(accents[place])
                tertiary.append(isCapital ? 1 : 0)
            }
        }
    }

    private static func slow(_ left: String, _ right: String, _ ignoringCase: Bool) throws(Interrupt) -> Int {
        let (one, other) = (try Weighed(left), try Weighed(right))
        func order(_ left: [UInt8], _ right: [UInt8]) -> Int {
            for (weight, second) in zip(left, right) where weight != second { return Int(weight) - Int(second) }
            return left.count - right.count
        }
        let primary = order(one.primary, other.primary)
        if primary != 0 { return primary }
        let secondary = order(one.secondary, other.secondary)
        if secondary != 0 || ignoringCase { return secondary }
        return order(one.tertiary, other.tertiary)
    }

    /// Whether two texts are equal in the invariant culture.
    static func equal(_ left: String, _ right: String, ignoringCase: Bool) throws(Interrupt) -> Bool {
        try compare(left, right, ignoringCase: ignoringCase) == 0
    }
}
