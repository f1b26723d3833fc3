/// How far a file has been sent or fetched.
public struct TransferProgress: Sendable, Hashable {
    /// The bytes that are at their place.
    public let done: Int
    /// The size of the file; `nil` if it isn't known.
    public let total: Int?
    /// What is waited for, where something is.
    public let waiting: String?

    init(done: Int, total: Int?, waiting: String? = nil) {
        self.done = done
        self.total = total
        self.waiting = waiting
    }
}
