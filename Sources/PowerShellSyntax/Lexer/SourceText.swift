/// The text that is being read: the whole source, or the inside of a `$( )` in a string, which is read on its own.
package struct SourceText {
    /// The code units.
    var units: [UInt16]
    /// Reading starts here.
    var start: Int
    /// Reading ends here: the end of input.
    var end: Int
    /// For a text from which escape characters were taken out: the place of each unit (and of the end) in the source.
    var origins: [Int32]?

    /// The whole source.
    init(_ units: [UInt16]) {
        self.units = units
        start = 0
        end = units.count
    }

    /// The inside of a string.
    init(units: [UInt16], start: Int, end: Int, origins: [Int32]?) {
        self.units = units
        self.start = start
        self.end = end
        self.origins = origins
    }

    /// The place of a unit in the source.
    @inline(__always)
    func origin(_ index: Int) -> Int {
        guard let origins else { return index }
        return Int(origins[min(index, origins.count - 1)])
    }

    /// The units in a range as a string; lone surrogates read as U+FFFD.
    func string(_ range: Range<Int>) -> String { SourceText.string(units[range]) }

    /// Code units as a string; lone surrogates read as U+FFFD.
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
