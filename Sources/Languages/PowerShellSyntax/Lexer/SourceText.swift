/// The text being read: the whole source, or the contents of a `$( )` in a string, which are parsed separately.
package struct SourceText {
    /// The code units.
    var units: [UInt16]
    /// The position at which reading starts.
    var start: Int
    /// The position at which reading ends: the end of input.
    var end: Int
    /// For a text without its escape characters, the source position of each unit and of the end.
    var origins: [Int32]?

    /// Creates a text from the whole source.
    init(_ units: [UInt16]) {
        self.units = units
        start = 0
        end = units.count
    }

    /// Creates a text from the contents of a string.
    init(units: [UInt16], start: Int, end: Int, origins: [Int32]?) {
        self.units = units
        self.start = start
        self.end = end
        self.origins = origins
    }

    /// Returns the source position of a unit.
    @inline(__always)
    func origin(_ index: Int) -> Int {
        guard let origins else { return index }
        return Int(origins[min(index, origins.count - 1)])
    }

    /// Returns the units in a range as a string; lone surrogates become U+FFFD.
    func string(_ range: Range<Int>) -> String { SourceText.string(units[range]) }

    /// Returns code units as a string; lone surrogates become U+FFFD.
    package static func string(_ units: ArraySlice<UInt16>) -> String {
        var isASCII = true
        let fast = String(unsafeUninitializedCapacity: units.count) { buffer in
            var count = 0
            for unit in units {
                guard unit < 128 else {
                    isASCII = false
                    return 0
                }
                buffer[count] = UInt8(truncatingIfNeeded: unit)
                count += 1
            }
            return count
        }
        return isASCII ? fast : String(decoding: units, as: UTF16.self)
    }
}
