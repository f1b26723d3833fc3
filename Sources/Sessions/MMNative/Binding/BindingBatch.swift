package import MMCore
import PowerShellSyntax

/// Binds command lines one by one, for comparison with recorded requests.
package struct BindingBatch: Sendable {
    private let table: ExchangeTable

    /// Creates a batch that uses a table.
    package init(table: ExchangeTable = .standard) { self.table = table }

    /// Answers a line `{"id","line","service"}` with `{"id","body",…}` in the form of the recordings, or with
    /// `{"id","error"}`.
    package func answer(_ line: String) throws(MMError) -> String {
        guard let json = try? JSONParser.parse(line), let written = json["line"]?.string else {
            throw MMError(
                .invalidInput, "The line is not a JSON object with a string `line`.",
                hint: #"Give one object per line: {"id":…,"line":"Get-Mailbox","service":"exo"}."#)
        }
        let name = json["service"]?.string ?? "exo"
        guard let service = ExchangeTable.Service(rawValue: name == "compliance" ? "scc" : name) else {
            throw MMError(
                .invalidInput, "There is no service “\(name.prefix(40))”.", hint: "The services are exo and scc.",
                details: ["field": "service"])
        }
        var answer = JSONObject()
        if let id = json["id"] { answer["id"] = id }
        guard let call = CmdletCall(line: written) else {
            let fault = PowerShellParser.parse(written).errors.first
            answer["error"] = .string(fault.map { "\($0.id)" } ?? "NotOneCmdlet")
            answer["message"] = "The line is not a single cmdlet whose arguments are plain values."
            return JSONWriter.string(.object(answer))
        }
        do throws(BindingFault) {
            let bound = try ExchangeBinder(service: service, table: table).bind(call)
            answer["body"] = bound.body
            if let page = bound.pageSize {
                answer["page"] = .int(Int64(page))
                answer["limit"] = bound.limit.map { .int(Int64($0)) } ?? .null
            }
            if !bound.headers.isEmpty {
                let headers = bound.headers.sorted { $0.key < $1.key }
                answer["headers"] = .object(JSONObject(headers.map { ($0.key, .string($0.value)) }))
            }
            if !bound.properties.isEmpty { answer["select"] = .array(bound.properties.map { .string($0) }) }
            let stages = BindingBatch.stages(behind: written)
            if !stages.isEmpty { answer["client"] = .array(stages.map { .string($0) }) }
        } catch {
            answer["error"] = .string(error.id)
            answer["message"] = .string(error.message)
        }
        return JSONWriter.string(.object(answer))
    }

    /// Returns the texts of the commands after the first one.
    private static func stages(behind line: String) -> [String] {
        let units = Array(line.utf16)
        guard case .pipeline(let pipeline)? = PowerShellParser.parse(utf16: units).root?.body?.statements.first else {
            return []
        }
        return pipeline.elements.dropFirst().compactMap { element in
            guard case .command(let command) = element else { return nil }
            return String(decoding: units[command.extent.start..<command.extent.end], as: UTF16.self)
        }
    }
}
