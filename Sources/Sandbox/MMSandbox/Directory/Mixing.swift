/// Pseudorandom numbers that are always the same for the same seed and position, so that every row of the sandbox can
/// be generated from its index and nothing has to be stored.
struct Mixing: Sendable, Hashable {
    private let key: UInt64

    init(seed: UInt64) {
        key = Self.scramble(seed &+ 0x9E37_79B9_7F4A_7C15)
    }

    /// Returns independent numbers for one purpose.
    func branch(_ purpose: UInt64) -> Mixing { Mixing(seed: key ^ Self.scramble(purpose)) }

    /// Returns the number at a position.
    func number(_ index: Int, _ field: UInt64 = 0) -> UInt64 {
        Self.scramble(key ^ UInt64(truncatingIfNeeded: index) &* 0xD1B5_4A32_D192_ED03 ^ field &* 0x8CB9_2BA7_2F3D_8DD7)
    }

    /// Returns a number from 0 up to, but not including, a limit.
    func number(_ index: Int, _ field: UInt64, below limit: Int) -> Int {
        Int(number(index, field) % UInt64(max(limit, 1)))
    }

    /// Scrambles a value with the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
    static func scramble(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
