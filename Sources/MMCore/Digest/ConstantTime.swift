/// Comparing secrets without telling by the time taken how much of a guess was right.
package enum ConstantTime {
    /// Whether two byte sequences are equal; only their lengths show in the time taken.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
