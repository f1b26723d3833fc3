import MMCore
import MMGraph
import MMGuard
import MMIdentity
import MMShell

/// A list that is written to a file: all of its pages, row by row, and not what the service calls its first page.
struct ListDownload {
    let transfer: FileTransfer
    let target: RequestTarget
    let progress: ItemProgress

    private var input: GraphRequestInput { transfer.input }

    /// The form that the call asks for. A terminal's `--json` is about what it shows, and the file's name about the file.
    private var form: String? { transfer.clearance.context.call.caller.surface == .terminal ? nil : input.form }

    /// Whether the call means rows: it says so, or the tables know that a list is answered there.
    var isMeant: Bool {
        if input.recursive { return false }
        if Self.isReport(target) { return form == "json" || form == "jsonl" }
        if input.all || input.top != nil || form != nil { return true }
        guard target.service == .graph, let found = EndpointIndex.standard.engine.template(of: target), !found.isCounted
        else {
            return false
        }
        return EndpointIndex.standard.calls(of: found.template).contains { $0.method == "GET" && $0.kind == .list }
    }

    /// Whether a request is for a report, which comes as comma-separated values.
    static func isReport(_ target: RequestTarget) -> Bool {
        target.service == .graph && target.segments.first?.lowercased() == "reports"
            && target.segments.count == 2 && target.segments[1].lowercased().hasPrefix("get")
    }

    /// Writes the list.
    func run(to named: String) async throws(MMError) -> OperationAnswer {
        let (client, clearance, services) = (transfer.client, transfer.clearance, transfer.services)
        let context = clearance.context
        let form = try RowForm.of(self.form, file: named)
        let export = RowExport(
            context: context, services: services.shells, connection: transfer.connection.name, form: form,
            replaces: input.conflict == .replace)
        let suggested = (target.segments.last ?? "rows") + "." + form.rawValue
        let place = try await export.place(named, suggested: suggested)
        let request = try GraphRequest(method: "GET", target: target, headers: input.headers)
        let to = place?.path ?? "a handle"
        try await clearance.settle([request], lines: ["to: \(to)"], parameters: ["to": .string(place?.path ?? named)])
        let limits = PageLimits(items: input.top)
        let (isReport, progress) = (Self.isReport(target), progress)
        return try await transfer.signedIn { () async throws(MMError) in
            guard !isReport else {
                let response = try await client.send(request, deadline: context.deadline)
                guard let rows = CSVRows.read(response.body) else {
                    throw MMError(
                        .remoteFailed, "The report is no table of comma-separated values.",
                        hint: "Leave `output` out: then it is written as it came.")
                }
                return try await export.write(
                    ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil }, to: place)
            }
            let reader = PageReader(
                client.pages(request, limits: limits, deadline: context.deadline), progress: progress)
            let first = try await reader.next()
            let stream = ItemStream(startingWith: first?.items ?? []) { () async throws(MMError) in
                try await reader.next()?.items
            }
            return try await export.write(stream, to: place, columns: Self.columns(of: target))
        }
    }

    /// The columns that `$select` names, where it names nothing else; none where the rows have to tell.
    private static func columns(of target: RequestTarget) -> [String] {
        guard target.queryValue("$expand") == nil, let select = target.queryValue("$select") else { return [] }
        let names = select.split(separator: ",").map { $0.filter { $0 != " " } }
        return names.contains { $0.contains("/") || $0.contains("*") } ? [] : names.map { String($0) }
    }
}
