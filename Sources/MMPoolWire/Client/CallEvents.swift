import MMCore
import MMHTTP

/// The events of one call in their order, read when they are asked for: what nobody reads holds the pool back.
actor CallEvents {
    private var chunks: HTTPBody.Iterator
    private var parser = SSEParser(limit: 1 << 30)
    private var waiting: ArraySlice<SSEEvent> = []

    init(_ body: HTTPBody) { chunks = body.makeAsyncIterator() }

    /// The next event; `nil` at the stream's end. One reader at a time may ask.
    /// - Throws: `HTTPError` when the stream broke off or can't be read.
    func next() async throws(HTTPError) -> CallEvent? {
        while true {
            while let event = waiting.popFirst() {
                do throws(JSONError) {
                    if let known = try CallEvent(event) { return known }
                } catch {
                    throw HTTPError(.protocolViolation, "An event of the pool is no JSON: \(error)")
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
