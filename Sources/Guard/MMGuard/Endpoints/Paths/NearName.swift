/// When a name is surely another one, mistyped.
package enum NearName {
    /// Whether a name is a slip of another: one letter off, or one in the singular and the other in the plural.
    package static func isSlip(_ written: String, of known: String) -> Bool {
        var (left, right) = (written.lowercased(), known.lowercased())
        if left == right || WordForm.stem(left) == WordForm.stem(right) { return true }
        guard min(left.utf8.count, right.utf8.count) >= 4 else { return false }
        return left.withUTF8 { left in right.withUTF8 { OneEdit.joins(UnsafeRawBufferPointer(left), $0) } }
    }
}
