/// Turns bytes of one output into texts, without tearing characters apart.
struct ConsoleReader: Sendable {
    let stream: ConsoleText.Stream
    private var rest: [UInt8] = []

    init(_ stream: ConsoleText.Stream) { self.stream = stream }

    /// The text of these bytes; an unfinished character at the end waits for its rest.
    mutating func read(_ bytes: some Collection<UInt8>) -> ConsoleText? {
        var all = rest
        all.append(contentsOf: bytes)
        let unfinished = Self.unfinishedTail(all)
        rest = Array(all.suffix(unfinished))
        all.removeLast(unfinished)
        return all.isEmpty ? nil : ConsoleText(stream, String(decoding: all, as: UTF8.self))
    }

    /// What waits, as it is: its rest will not come.
    mutating func flush() -> ConsoleText? {
        defer { rest = [] }
        return rest.isEmpty ? nil : ConsoleText(stream, String(decoding: rest, as: UTF8.self))
    }

    private static func unfinishedTail(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where bytes.count >= back {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}
