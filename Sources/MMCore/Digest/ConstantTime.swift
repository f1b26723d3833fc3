/// Compares secrets in a time that doesn't reveal how much of a guess was right.
package enum ConstantTime {
    /// Returns whether two byte sequences are equal; the time taken reveals only their lengths.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
