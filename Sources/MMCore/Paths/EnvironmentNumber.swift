/// Numbers in environment variables.
package enum EnvironmentNumber {
    /// Returns the number in a variable; `nil` if it isn't set, or empty.
    /// - Parameters:
    ///   - name: the variable.
    ///   - environment: the environment.
    ///   - range: the numbers that it may contain.
    ///   - unit: what the numbers count, for the hint, such as `whole seconds`.
    /// - Throws: `invalidInput`, naming the variable.
    package static func read<Number: Comparable & LosslessStringConvertible>(
        _ name: String, of environment: [String: String], in range: ClosedRange<Number>, _ unit: String
    ) throws(MMError) -> Number? {
        guard let text = environment[name], !text.isEmpty else { return nil }
        guard let number = Number(text), range.contains(number) else {
            throw MMError(
                .invalidInput, "\(name) can't be `\(text.prefix(40))`.",
                hint: "Use \(unit) from \(bound(range.lowerBound)) to \(bound(range.upperBound)).")
        }
        return number
    }

    private static func bound(_ number: some LosslessStringConvertible) -> String {
        let text = number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
