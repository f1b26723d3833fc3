/// The open brackets around a position in a JSON text, as one bit each (object or array), so that skipping values
/// allocates no memory.
struct OpenBrackets {
    /// The maximum depth, the same as the JSON parser's.
    private static let deepest = 256

    private var objects: InlineArray<4, UInt64> = .init(repeating: 0)
    private var count = 0

    /// Whether the innermost open bracket belongs to an object; `nil` when none is open.
    var innermost: Bool? {
        guard count > 0 else { return nil }
        return objects[(count - 1) >> 6] >> UInt64((count - 1) & 63) & 1 == 1
    }

    /// Opens a bracket.
    /// - Returns: `false` when the maximum depth is exceeded.
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
