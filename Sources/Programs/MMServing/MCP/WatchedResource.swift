import MMCore
import MMMCP

/// A resource that a client subscribed to: read again and again, as its caller reads it, to tell when it reads differently.
struct WatchedResource: Sendable {
    private let read: @Sendable () async throws -> [ResourceContents]
    private let interval: Duration

    /// What changes without anything happening: a clock, a meter, a token that is renewed.
    private static let restless: Set<String> = ["seconds", "memory", "until"]

    /// A watched resource.
    /// - Parameters:
    ///   - read: reads it; throws where there is nothing for its caller, which may change, too.
    ///   - interval: how often it is looked at.
    init(every interval: Duration = .seconds(1), _ read: @escaping @Sendable () async throws -> [ResourceContents]) {
        self.read = read
        self.interval = interval
    }

    /// An element each time it reads differently than before, as long as somebody waits for one.
    var changes: AsyncStream<Void> {
        AsyncStream { continuation in
            let watching = Task {
                var known = await standing
                while (try? await Task.sleep(for: interval)) != nil {
                    let now = await standing
                    if now != known { continuation.yield() }
                    known = now
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in watching.cancel() }
        }
    }

    /// What it holds, without what never rests; `nil` for nothing.
    private var standing: [JSONValue]? {
        get async {
            guard let contents = try? await read() else { return nil }
            return contents.map { piece in
                guard let text = piece.text else { return .null }
                return (try? JSONParser.parse(text)).map(Self.settled) ?? .string(text)
            }
        }
    }

    private static func settled(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): .array(items.map(settled))
        case .object(let members):
            .object(
                JSONObject(members.compactMap { (key, value) in restless.contains(key) ? nil : (key, settled(value)) }))
        default: value
        }
    }
}
