import Glibc
import MMCore

/// Standard input line by line, each answered before the next is read, so that a program can talk with the command.
enum BatchInput {
    private static let longestLine = 16 << 20

    /// Reads lines until the end of input. The reading blocks, as in every filter: nothing else runs meanwhile.
    /// - Parameter each: takes each line that is not blank, without its end.
    /// - Throws: `MMError` of the reading, or what `each` throws.
    static func lines(_ each: (String) async throws(MMError) -> Void) async throws(MMError) {
        var rest: [UInt8] = []
        var searched = 0
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = rest[searched...].firstIndex(of: 0x0A) {
                try await answer(rest[..<end], each)
                rest.removeSubrange(...end)
                searched = 0
                continue
            }
            searched = rest.count
            guard rest.count <= longestLine else {
                throw MMError(.limitExceeded, "A line of standard input is longer than \(longestLine >> 20) MiB.")
            }
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest += buffer[..<count]
        }
        try await answer(rest[...], each)
    }

    private static func answer(_ line: ArraySlice<UInt8>, _ each: (String) async throws(MMError) -> Void)
        async throws(MMError)
    {
        let text = String(decoding: line, as: UTF8.self)
        if !text.allSatisfy(\.isWhitespace) { try await each(text) }
    }
}
