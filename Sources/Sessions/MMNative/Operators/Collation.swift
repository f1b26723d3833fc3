import CCollationTables

/// The order of texts in the invariant culture (the root collation of CLDR): white space and punctuation, then digits,
/// then letters. If these are equal, a plain letter precedes an accented one; if everything is equal, a lower-case
/// letter precedes its capital.
enum Collation {
    private static let weights: [UInt8] = {
        var weights = [UInt8](repeating: 0, count: 128)
        let order = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"
        for (rank, unit) in order.utf8.enumerated() { weights[Int(unit)] = UInt8(rank + 1) }
        for unit in UInt8(ascii: "A")...UInt8(ascii: "Z") { weights[Int(unit)] = weights[Int(unit | 0x20)] }
        return weights
    }()

    /// Compares two texts; returns a negative number, zero or a positive number. Hands over texts with characters that
    /// need further collation tables, unless both texts are identical.
    static func compare(_ left: String, _ right: String, ignoringCase: Bool) throws(Interrupt) -> Int {
        var (one, other) = (left, right)
        let order = one.withUTF8 { first in other.withUTF8 { second in plain(first, second, ignoringCase) } }
        if let order { return order }
        if left.utf8.elementsEqual(right.utf8) { return 0 }
        let (first, second) = (try elements(of: left), try elements(of: right))
        for level in ignoringCase ? 0..<2 : 0..<3 {
            let order = CollationElement.order(first, second, level: level)
            if order != 0 { return order }
        }
        return 0
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

    private static func elements(of text: String) throws(Interrupt) -> [CollationElement] {
        var elements: [CollationElement] = []
        for scalar in text.unicodeScalars {
            guard CollationElement.append(scalar, to: &elements) else {
                throw .handOver("comparing text beyond Latin, Greek and Cyrillic letters")
            }
        }
        return elements
    }

    /// Returns whether two texts are equal in the invariant culture.
    static func equal(_ left: String, _ right: String, ignoringCase: Bool) throws(Interrupt) -> Bool {
        if left.isPlain, right.isPlain { return try compare(left, right, ignoringCase: ignoringCase) == 0 }
        guard let one = folded(left, ignoringCase: ignoringCase),
            let other = folded(right, ignoringCase: ignoringCase)
        else { return try compare(left, right, ignoringCase: ignoringCase) == 0 }
        return one.utf8.elementsEqual(other.utf8)
    }

    /// Returns whether each character of a text is equal only to itself and its own other case, so that a
    /// culture-sensitive comparison and an ordinal one with case folding give the same result.
    static func isCertain(_ text: String) -> Bool {
        text.isPlain || text.unicodeScalars.allSatisfy(CollationElement.isAlone)
    }

    /// Returns the form that two texts share exactly if they are equal in the invariant culture: without the characters
    /// that comparisons skip (variation selectors, joiners), and in lower case, letter by letter, where case doesn't
    /// count; `nil` if a character may equal others, or isn't known.
    static func folded(_ text: String, ignoringCase: Bool) -> String? {
        if text.isPlain { return ignoringCase ? text.lowercased() : text }
        var folded = ""
        for scalar in text.unicodeScalars where !CollationElement.isSkipped(scalar) {
            guard CollationElement.isAlone(scalar) else { return nil }
            let mapped = scalar.properties.lowercaseMapping.unicodeScalars
            folded.unicodeScalars.append(ignoringCase && mapped.count == 1 ? mapped.first ?? scalar : scalar)
        }
        return folded
    }
}

/// The weights of a character on the three levels; 0 where it has none.
struct CollationElement {
    private let bits: UInt32

    private func weight(_ level: Int) -> UInt32 {
        switch level {
        case 0: bits >> 16
        case 1: bits >> 8 & 0xFF
        default: bits & 0xFF
        }
    }

    /// Compares two sequences on one level; elements without a weight are skipped.
    static func order(_ left: [CollationElement], _ right: [CollationElement], level: Int) -> Int {
        var (place, other) = (0, 0)
        while true {
            while place < left.count, left[place].weight(level) == 0 { place += 1 }
            while other < right.count, right[other].weight(level) == 0 { other += 1 }
            guard place < left.count, other < right.count else {
                return (place < left.count ? 1 : 0) - (other < right.count ? 1 : 0)
            }
            let (one, second) = (left[place].weight(level), right[other].weight(level))
            if one != second { return one < second ? -1 : 1 }
            place += 1
            other += 1
        }
    }

    private static let table = Table()

    /// Adds the elements of a character; returns `false` if they aren't known.
    static func append(_ scalar: UnicodeScalar, to elements: inout [CollationElement]) -> Bool {
        guard let place = table.place(of: scalar) else { return false }
        for index in table.start(place)..<table.start(place + 1) {
            elements.append(CollationElement(bits: table.element(index)))
        }
        return true
    }

    /// Returns whether a character is equal only to itself and its own other case.
    static func isAlone(_ scalar: UnicodeScalar) -> Bool {
        switch scalar.value {
        // Printable ASCII, Arabic letters, ideographs, Hangul syllables.
        case 0x20...0x7E, 0x621...0x63A, 0x641...0x64A, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3: return true
        default: break
        }
        return table.place(of: scalar).map(table.isAlone) ?? false
    }

    /// Returns whether comparisons skip a character.
    static func isSkipped(_ scalar: UnicodeScalar) -> Bool {
        guard let place = table.place(of: scalar) else { return false }
        return (table.start(place)..<table.start(place + 1)).allSatisfy { table.element($0) == 0 }
    }

    /// The table that is compiled into the program; Tools/CollationTables describes its form.
    private struct Table: Sendable {
        private nonisolated(unsafe) let bytes = UnsafeRawBufferPointer(
            start: ccollation_elements().bytes, count: ccollation_elements().length)
        private let count: Int

        init() { count = Int(bytes.loadUnaligned(as: UInt32.self)) }

        private func unit(_ place: Int) -> UInt16 {
            bytes.loadUnaligned(fromByteOffset: 8 + 2 * place, as: UInt16.self)
        }

        func place(of scalar: UnicodeScalar) -> Int? {
            let filed = scalar.value < 0x1F000 ? scalar.value : scalar.value - 0x1F000 + 0xE000
            guard filed <= 0xFFFF, scalar.properties.generalCategory != .privateUse else { return nil }
            var (low, high) = (0, count)
            while low < high {
                let middle = (low + high) / 2
                let code = UInt32(unit(middle))
                if code == filed { return middle }
                if code < filed { low = middle + 1 } else { high = middle }
            }
            return nil
        }

        func start(_ place: Int) -> Int { Int(unit(count + place) & 0x7FFF) }

        func isAlone(_ place: Int) -> Bool { unit(count + place) & 0x8000 != 0 }

        func element(_ index: Int) -> UInt32 {
            bytes.loadUnaligned(fromByteOffset: 8 + 2 * (2 * count + 1) + 4 * index, as: UInt32.self)
        }
    }
}
