/// Which brackets are open around a place in a JSON text, innermost last, and whether each is an object's: a bit each, so that
/// walking through values asks for no memory.
struct OpenBrackets {
    /// As deep as the reader of values goes.
    private static let deepest = 256

    private var objects: InlineArray<4, UInt64> = .init(repeating: 0)
    private var count = 0

    /// Whether the innermost open bracket is an object's; `nil` when none is open.
    var innermost: Bool? {
        guard count > 0 else { return nil }
        return objects[(count - 1) >> 6] >> UInt64((count - 1) & 63) & 1 == 1
    }

    /// Opens a bracket.
    /// - Returns: `false` when it would be too deep.
    mutating func push(_ isObject: Bool) -> Bool {
        guard count < Self.deepest else { return false }
        let bit = UInt64(1) << UInt64(count & 63)
        if isObject { objects[count >> 6] |= bit } else { objects[count >> 6] &= ~bit }
        count += 1
        return true
    }

    /// Closes the innermost bracket.
    mutating func pop() { count -= 1 }
}
