import MMCore
import MMDesk

/// The pages of one collection after the other.
struct RequestPages: SnapshotPages {
    private var waiting: [GraphPages]
    private var current: GraphPages.Iterator?
    private var page = PageParts()

    init(_ collections: [GraphPages]) {
        waiting = collections.reversed()
    }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        while true {
            if let part = page.next() { return part }
            if current == nil {
                guard let collection = waiting.popLast() else { return nil }
                current = collection.makeAsyncIterator()
            }
            guard let page = try await current?.next() else {
                current = nil
                continue
            }
            self.page = PageParts(page.items)
        }
    }
}

/// The objects of a page, some at a time: parsed they take many times the room of their bytes.
struct PageParts {
    private static let atOnce = 50
    private var rest: ArraySlice<ArraySlice<UInt8>>

    init(_ items: [ArraySlice<UInt8>] = []) { rest = items[...] }

    /// The next objects; `nil` after the last.
    mutating func next() -> [JSONObject]? {
        guard !rest.isEmpty else { return nil }
        defer { rest = rest.dropFirst(Self.atOnce) }
        return rest.prefix(Self.atOnce).compactMap { (try? JSONParser.parse(Array($0)))?.object }
    }
}

/// Rows that came at once.
struct RowPages: SnapshotPages {
    private var rows: [JSONObject]?

    init(_ rows: [JSONValue]) { self.rows = rows.compactMap(\.object) }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        defer { rows = nil }
        return rows
    }
}

/// The pages of a cmdlet.
struct CmdletPages: SnapshotPages {
    private var pages: ExchangePages
    private var page = PageParts()
    private let connection: String

    init(_ pages: ExchangePages, connection: String) {
        (self.pages, self.connection) = (pages, connection)
    }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        do throws(ExchangeFault) {
            while true {
                if let part = page.next() { return part }
                guard let next = try await pages.next() else { return nil }
                page = PageParts(next.rows)
            }
        } catch {
            throw error.mmError(of: connection)
        }
    }
}

extension ExchangeFault {
    /// The error for a caller of Exchange Online.
    func mmError(of connection: String) -> MMError {
        switch self {
        case .failed(let error): error
        case .refused(let error): error.mmError(of: connection, .exchange)
        }
    }
}
