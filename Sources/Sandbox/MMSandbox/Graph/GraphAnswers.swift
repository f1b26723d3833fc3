internal import MMCore
internal import MMHTTP

/// The answers of Graph: errors, single values, written rows and their etags.
struct GraphAnswers {
    let context: TenantContext
    let store: DirectoryStore

    static let contentType =
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

    static let diagnostic =
        #"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"5","ScaleUnit":"001","RoleInstance":"SANDBOX0001"}}"#

    /// Returns an answer with JSON.
    static func json(_ json: JSONValue, status: Int = 200) -> HTTPServerResponse {
        HTTPServerResponse(status: status, json: json, contentType: contentType)
    }

    func error(_ failure: GraphFailure, requestID: String, clientRequestID: String) -> HTTPServerResponse {
        var answer = HTTPServerResponse(
            status: failure.status,
            json: [
                "error": [
                    "code": .string(failure.code), "message": .string(failure.message),
                    "innerError": [
                        "date": .string(ServiceTime.zonelessText(context.now)), "request-id": .string(requestID),
                        "client-request-id": .string(clientRequestID),
                    ],
                ]
            ], contentType: Self.contentType)
        for field in failure.headers { answer.headers.set(field.name, field.value) }
        return answer
    }

    func value(_ call: GraphCall, _ value: JSONValue, type: String) -> HTTPServerResponse {
        HTTPServerResponse(
            status: 200,
            json: ["@odata.context": .string("\(context.base)/\(call.version)/$metadata#\(type)"), "value": value],
            contentType: Self.contentType)
    }

    /// Returns the answer to a successful creation.
    func created(_ call: GraphCall, _ stored: JSONObject, in address: TableAddress, label: String, status: Int = 201)
        throws(GraphFailure) -> HTTPServerResponse
    {
        let table = store.table(address)
        var visible = stored
        visible["passwordProfile"] = nil
        var bytes = Array(#"{"@odata.context":"#.utf8)
        JSONWriter.append("\(context.base)/\(call.version)/$metadata#\(label)/$entity", to: &bytes)
        var row: [UInt8] = []
        let id = stored["id"]?.string ?? ""
        RowWriter(kind: table.kind, select: nil).open(.object(visible), etag: etag(of: id, in: table), to: &row)
        bytes.append(UInt8(ascii: ","))
        bytes.append(contentsOf: row.dropFirst())
        bytes.append(UInt8(ascii: "}"))
        var answer = HTTPServerResponse(status: status, contentType: Self.contentType, body: bytes)
        answer.headers.set(
            "Location",
            "\(context.base)/\(call.version)/\(label)/\(PercentCoding.encode(id, isPlain: PercentCoding.isSegmentByte))"
        )
        return answer
    }

    /// Returns the etag of a row, if its type has one; the id is evaluated only then.
    func etag(of id: @autoclosure () -> String, in table: EntityTable) -> String? {
        guard table.kind.hasETag else { return nil }
        let id = id()
        return Self.etag(id, version: table.version(of: id))
    }

    static func etag(_ id: String, version: Int) -> String {
        let number = Mixing.scramble(id.utf8.reduce(UInt64(version)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
        var bytes: [UInt8] = []
        Guid.appendHex(number, digits: 12, to: &bytes)
        return "W/\"CQAAABYAAA\(String(decoding: bytes, as: UTF8.self))\""
    }

    /// Checks that an `If-Match` header matches the row.
    func checkETag(_ call: GraphCall, id: String, in table: EntityTable) throws(GraphFailure) {
        guard let wanted = call.request.headers["if-match"], wanted != "*" else { return }
        let right = Self.etag(id, version: table.version(of: id))
        guard wanted.split(separator: ",").contains(where: { $0.filter { $0 != " " } == right.filter { $0 != " " } })
        else { throw .staleETag }
    }
}
