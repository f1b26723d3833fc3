/// The bounds of what one step of a script makes, whatever number it was given. What needs more is handed over.
enum StepBound {
    /// The most elements of a list, and characters of a repetition, that one step makes.
    static let largest = 1_000_000

    /// Returns a number of things to make; hands over a negative one and one beyond the bound.
    @discardableResult
    static func count(_ number: some BinaryInteger, _ what: String) throws(Interrupt) -> Int {
        guard let count = Int(exactly: number), (0...largest).contains(count) else { throw .handOver(what) }
        return count
    }

    /// Returns a number of things to make that a script gave; hands over other values.
    static func count(_ value: PSValue, _ what: String) throws(Interrupt) -> Int {
        guard case .int(let number) = value else { throw .handOver(what) }
        return try count(number, what)
    }

    /// Checks the length of a text before it is made.
    static func text(bytes: Int, limit: Int = NativeLimits().textBytes) throws(Interrupt) {
        guard bytes <= limit else { throw .handOver("a long text") }
    }

    /// Returns joined texts. All of them may share the storage of a single long one.
    static func joined(
        _ texts: [String], _ separator: String = "", limit: Int = NativeLimits().textBytes
    ) throws(Interrupt) -> String {
        try text(bytes: texts.reduce(0) { $0 + $1.utf8.count } + separator.utf8.count * texts.count, limit: limit)
        return texts.joined(separator: separator)
    }
}
