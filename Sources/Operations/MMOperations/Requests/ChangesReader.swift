import MMCore
import MMGraph

/// Reads what has changed since the last call, and keeps where it stopped once all of it was handed on.
struct ChangesReader: Sendable {
    let client: GraphClient
    /// The delta query as it was asked for.
    let request: GraphRequest
    let memory: ChangesMemory
    let deadline: Deadline
    let progress: ItemProgress

    /// The answer: the changes as rows, with a note that says since when.
    func answer(connection: Connection) async throws(MMError) -> OperationAnswer {
        var note = "This is the first full read; the next call with --changes gives only what has changed since."
        var reader = PageReader(client.pages(request, deadline: deadline), progress: progress)
        var first: GraphPage?
        if let kept = try memory.read() {
            let rest = PageReader(client.pages(request, from: kept.link, deadline: deadline), progress: progress)
            do throws(MMError) {
                first = try await rest.next()
                reader = rest
                note = "Changes since \(kept.since.iso8601)."
            } catch {
                // The service no longer knows what was read then ("resyncRequired").
                guard error.details["status"]?.int == 410 else { throw error }
                try memory.forget()
                note = "The service no longer knows what was read on \(kept.since.iso8601): this is a full read again."
                // It may say itself where a full read begins.
                if let link = error.details["resyncLink"]?.string {
                    reader = PageReader(client.pages(request, from: link, deadline: deadline), progress: progress)
                }
            }
        }
        if first == nil { first = try await reader.next() }
        if let first, !first.isCollection {
            throw MMError(
                .invalidInput, "\(request.target.path) answers no list of changes.",
                hint: "Name a delta query, such as /users/delta or /me/drive/root/delta.")
        }
        let (walk, memory) = (reader, memory)
        let link = Mutex(first?.deltaLink)
        let stream = ItemStream(startingWith: first?.items) { () async throws(MMError) in
            guard let page = try await walk.next() else {
                // Only now everything that came before has been taken.
                if let link = link.withLock({ $0 }) { try memory.keep(link) }
                return nil
            }
            link.withLock { $0 = page.deltaLink }
            return page.items
        }
        return OperationAnswer(.items(stream), notes: [note], connection: connection.name)
    }
}
