import Glibc
import MMCore
import MMOperations
import MMSystem

/// Standard input from a pipe or a file, read only as far as requested.
struct PipedInput: CallInput {
    private static let piece = 256 << 10

    func next() async throws(MMError) -> [UInt8]? {
        let outcome = OneShot<Result<[UInt8]?, MMError>>()
        // A read may block forever, so it has a thread of its own.
        try DedicatedThread.start("mm-stdin", stackSize: 128 << 10) { outcome.resolve(Self.read()) }
        let result = await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            outcome.resolve(.failure(MMError(.cancelled, "Reading standard input was cancelled.")))
        }
        return try result.get()
    }

    private static func read() -> Result<[UInt8]?, MMError> {
        var bytes = [UInt8](repeating: 0, count: piece)
        while true {
            let count = Glibc.read(STDIN_FILENO, &bytes, bytes.count)
            if count > 0 { return .success(Array(bytes.prefix(count))) }
            if count == 0 { return .success(nil) }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                poll(&wanted, 1, -1)
            default:
                return .failure(
                    MMError(.internalError, "Standard input can't be read: \(String(cString: strerror(errno))).")
                )
            }
        }
    }
}
