import Glibc
import MMCore
import MMHTTP

/// Returns scripted answers one after the other; the last one repeats.
final class Cursor: Sendable {
    private let state: Mutex<(polls: [HTTPResponse], codes: [HTTPResponse])>

    init(polls: [HTTPResponse], codes: [HTTPResponse]) {
        state = Mutex((polls, codes))
    }

    func nextPoll() -> HTTPResponse {
        state.withLock { $0.polls.isEmpty ? HTTPResponse(status: 599) : $0.polls.removeFirst() }
    }

    func nextCode() -> HTTPResponse {
        state.withLock { $0.codes.count > 1 ? $0.codes.removeFirst() : $0.codes[0] }
    }
}

/// Codes in the order they were shown.
final class Shown: Sendable {
    private let list = Mutex<[String]>([])
    func add(_ code: String) { list.withLock { $0.append(code) } }
    var codes: [String] { list.withLock { $0 } }
}

/// The mode of a file.
func fileMode(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
}
