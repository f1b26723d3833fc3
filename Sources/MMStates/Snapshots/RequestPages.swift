import MMCore
import MMGraph

/// The pages of one collection after the other.
struct RequestPages: SnapshotPages {
    private var waiting: [GraphPages]
    private var current: GraphPages.Iterator?

    init(_ collections: [GraphPages]) {
        waiting = collections.reversed()
    }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        while true {
            if current == nil {
                guard let collection = waiting.popLast() else { return nil }
                current = collection.makeAsyncIterator()
            }
            guard let page = try await current?.next() else {
                current = nil
                continue
            }
            return page.items.compactMap { (try? JSONParser.parse(Array($0)))?.object }
        }
    }
}

/// The pages of a cmdlet.
struct CmdletPages: SnapshotPages {
    private var pages: ExchangePages
    private let connection: String

    init(_ pages: ExchangePages, connection: String) {
        (self.pages, self.connection) = (pages, connection)
    }

    mutating func next() async throws(MMError) -> [JSONObject]? {
        do throws(ExchangeFault) {
            guard let page = try await pages.next() else { return nil }
            return page.rows.compactMap { (try? JSONParser.parse(Array($0)))?.object }
        } catch {
            switch error {
            case .failed(let error): throw error
            case .refused(let error): throw error.mmError(of: connection, .exchange)
            }
        }
    }
}
