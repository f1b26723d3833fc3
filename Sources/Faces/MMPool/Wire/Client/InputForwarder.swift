import MMCore
import MMHTTP
import MMOperations

/// Sends a pool the pieces of standard input that it asks for, while events keep arriving.
final class InputForwarder: Sendable {
    private let input: any CallInput
    private let pool: PoolClient
    private let sending = Mutex<Task<Void, Never>?>(nil)

    init(_ input: any CallInput, _ pool: PoolClient) {
        self.input = input
        self.pool = pool
    }

    deinit { sending.withLock { $0 }?.cancel() }

    /// Reads the next piece and sends it. The pool asks for another once it has this one.
    func send(_ id: String, of call: String) {
        let task = Task { [input, pool] in
            // Input that can't be read counts as ended; a piece that the pool no longer accepts isn't needed.
            let bytes = (try? await input.next()) ?? []
            guard !Task.isCancelled else { return }
            let request = pool.request(
                "POST", "/v1/calls/\(call)/inputs/\(id)", headers: ["Content-Type": "application/octet-stream"],
                body: bytes)
            _ = try? await pool.send(request, during: "handing input over")
        }
        sending.withLock { $0 = task }
    }
}
