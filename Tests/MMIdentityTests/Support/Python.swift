import Glibc
import MMCore
import MMSystem
import Testing

/// The project's Python with MSAL: `.build/python`.
enum Python {
    static let root = "/" + #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
    static let path = "\(root)/.build/python/bin/python3"

    /// Whether there is one with MSAL.
    static let hasMSAL = (try? run(["-c", "import msal"]).status) == 0

    /// Runs it and waits; its output has to fit the pipe or a file.
    static func run(_ arguments: [String]) throws -> (status: Int32, output: [UInt8]) {
        guard access(path, X_OK) == 0 else { throw MMError(.unavailable, "no \(path)") }
        var template = Array("/tmp/mm-python-XXXXXX".utf8CString)
        let number = mkstemp(&template)
        try #require(number >= 0)
        let file = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(number)
            unlink(file)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, number, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process = pid_t()
        try #require(posix_spawn(&process, path, &actions, nil, words, environ) == 0)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return (status >> 8 & 0xFF, try ProtectedFile.read(file) ?? [])
    }

    /// Runs it on its own thread.
    static func running(_ arguments: [String]) async throws -> (status: Int32, output: [UInt8]) {
        try await BlockingWork.run { () throws(MMError) in
            do {
                return try run(arguments)
            } catch {
                throw MMError(.internalError, "Python can't be run: \(error)")
            }
        }
    }
}
