import MMCore
import MMHTTP

/// The events of one call in order, read on demand: unread events slow the pool down.
actor CallEvents {
    private var chunks: HTTPBody.Iterator
    private var parser = SSEParser(limit: 1 << 30)
    private var waiting: ArraySlice<SSEEvent> = []

    init(_ body: HTTPBody) { chunks = body.makeAsyncIterator() }

    /// Returns the next event; `nil` at the end of the stream. Supports one reader at a time.
    /// - Throws: `HTTPError` when the stream is cut off or can't be read.
    func next() async throws(HTTPError) -> CallEvent? {
        while true {
            while let event = waiting.popFirst() {
                do throws(JSONError) {
                    if let known = try CallEvent(event) { return known }
                } catch {
                    throw HTTPError(.protocolViolation, "An event of the pool isn't JSON: \(error)")
                }
            }
            var iterator = chunks
            guard let chunk = try await iterator.next() else { return nil }
            do throws(SSEParser.Fault) {
                waiting = try parser.consume(chunk)[...]
            } catch {
                throw HTTPError(.tooLarge, "An event of the pool is too long.")
            }
        }
    }
}
