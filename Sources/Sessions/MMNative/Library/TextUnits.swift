import MMCore

/// The UTF-16 units of a text, by whose numbers .NET addresses it. Parts and places are found without a copy of all
/// units, except by a search from the end.
struct TextUnits {
    let text: String

    init(_ text: String) { self.text = text }

    var count: Int { text.utf16.count }

    private func index(_ place: Int) -> String.Index { text.utf16.index(text.startIndex, offsetBy: place) }

    private func place(of index: String.Index) -> Int { text.utf16.distance(from: text.startIndex, to: index) }

    /// Returns the unit at a place; `nil` beyond the text.
    subscript(place: Int) -> UInt16? { (0..<count).contains(place) ? text.utf16[index(place)] : nil }

    /// Returns a part of the text. Half of a character of two units is handed over.
    func part(_ range: Range<Int>) throws(Interrupt) -> String {
        let (start, end) = (index(range.lowerBound), index(range.upperBound))
        let scalars = text.unicodeScalars
        guard start.samePosition(in: scalars) != nil, end.samePosition(in: scalars) != nil else {
            throw .handOver("half of a character")
        }
        return String(text[start..<end])
    }

    /// Returns a part by the numbers of its bytes in UTF-8, and the number of units before it.
    func part(ofBytes range: Range<Int>) -> (text: String, place: Int) {
        let start = text.utf8.index(text.startIndex, offsetBy: range.lowerBound)
        let end = text.utf8.index(start, offsetBy: range.count)
        return (String(text[start..<end]), place(of: start))
    }

    /// Returns the text from a place on, without the second half of a character, with which no text begins.
    private func rest(from place: Int) -> Substring {
        let start = index(place)
        return text[(start.samePosition(in: text.unicodeScalars) ?? text.utf16.index(after: start))...]
    }

    /// Returns the place of the first occurrence of a text at or after a place.
    func first(_ wanted: String, from start: Int = 0) -> Int? {
        rest(from: start).firstRange(of: wanted).map { place(of: $0.lowerBound) }
    }

    /// Returns the place of the last occurrence of a text.
    func last(_ wanted: String) -> Int? {
        let (units, wanted) = (Array(text.utf16), Array(wanted.utf16))
        guard wanted.count <= units.count else { return nil }
        return (0...units.count - wanted.count).last { units[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    /// Returns the place of the first occurrence of a text, as a culture-sensitive search finds it: for sure if the
    /// characters searched, and the one after them, are equal only to themselves.
    func firstCertain(_ wanted: String, from start: Int = 0) throws(Interrupt) -> Int? {
        let rest = rest(from: start)
        let found = rest.firstRange(of: wanted)
        var end = found?.upperBound ?? text.endIndex
        if end < text.endIndex { end = text.unicodeScalars.index(after: end) }
        guard Collation.isCertain(wanted), Collation.isCertain(String(rest[..<end])) else {
            throw .handOver("the method IndexOf with unusual characters")
        }
        return found.map { place(of: $0.lowerBound) }
    }

    /// Returns the text without the units at its ends for which a condition holds.
    func trimmed(start: Bool, end: Bool, _ isGone: (UInt16) -> Bool) throws(Interrupt) -> String {
        let units = text.utf16
        var (first, last) = (units.startIndex, units.endIndex)
        while start, first < last, isGone(units[first]) { first = units.index(after: first) }
        while end, first < last, case let before = units.index(before: last), isGone(units[before]) { last = before }
        return try part(place(of: first)..<place(of: last))
    }
}
