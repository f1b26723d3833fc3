extension BinaryInteger {
    /// Returns the number with the noun for so many things, such as `1 change` and `2 changes`.
    /// - Parameters:
    ///   - one: the noun for one thing; further words, such as its verb, may follow.
    ///   - many: the same for several; `nil` for `one` with an `s`.
    package func counted(_ one: String, _ many: String? = nil) -> String {
        "\(self) \(self == 1 ? one : many ?? one + "s")"
    }
}
