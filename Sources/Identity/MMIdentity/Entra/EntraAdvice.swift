/// The meaning of one of Entra ID's error numbers (`AADSTS…`) and what to do about it.
///
/// Microsoft warns that the numbers change, so they only refine the advice; decisions follow `error` and `suberror`
/// first.
package struct EntraAdvice: Sendable, Hashable {
    /// The number without `AADSTS`.
    package let code: Int
    /// The next step.
    package let action: EntraAction
    /// What happened, in a few words.
    package let title: String
    /// What a person should do, in a sentence or two.
    package let advice: String

    /// Returns the advice for a number; `nil` when it isn't in the table.
    package static func about(_ code: Int) -> EntraAdvice? { table[code] }

    /// All numbers in the table, in ascending order.
    package static var codes: [Int] { table.keys.sorted() }

    private static let table: [Int: EntraAdvice] = {
        var table: [Int: EntraAdvice] = [:]
        for line in lines.split(separator: "\n") {
            let parts = line.split(separator: "|", maxSplits: 3)
            guard parts.count == 4, let code = Int(parts[0]), let action = EntraAction(rawValue: String(parts[1]))
            else {
                continue
            }
            table[code] = EntraAdvice(code: code, action: action, title: String(parts[2]), advice: String(parts[3]))
        }
        return table
    }()
}
