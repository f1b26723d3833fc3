internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// Builds the requests.
extension ExchangeClient {
    /// The version of Microsoft's module whose requests are reproduced here.
    static let version = "3.9.2"
    /// The maximum size of one page in bytes.
    static let largestPage = 128 << 20

    /// Returns the headers of every request.
    nonisolated func headers(by account: SignedInAccount, authorization: String) -> HTTPHeaders {
        [
            "Authorization": authorization, "Accept": "application/json", "connection-id": connectionID,
            "client-request-id": RandomBytes.uuid(), "X-ClientApplication": "ExoManagementModule",
            "X-ClientModuleVersion": Self.version, "Accept-Language": "en-US",
            "X-AnchorMailbox": ExchangeAnchor(ExchangeCommand(""), by: account, at: service).value,
        ]
    }

    /// Returns the request for a page of a cmdlet.
    nonisolated func wire(
        _ command: ExchangeCommand, url: String, size: Int, account: SignedInAccount, authorization: String,
        requestID: String, timeout: Duration
    ) -> HTTPRequest {
        var headers = headers(by: account, authorization: authorization)
        headers.set("client-request-id", requestID)
        headers.set("Content-Type", "application/json; charset=utf-8")
        headers.set("Prefer", "odata.maxpagesize=\(size)")
        headers.set("X-CmdletName", command.cmdlet)
        headers.set("X-ResponseFormat", "json")
        headers.set("X-SerializationLevel", "Partial")
        headers.set("WarningAction", command.headers["WarningAction"] ?? "")
        let anchor = ExchangeAnchor(command, by: account, at: service)
        headers.set("X-AnchorMailbox", anchor.value)
        if anchor.isFromParameter { headers.set("parameter-based-routing", "true") }
        return HTTPRequest(
            method: "POST", url: url, headers: headers, body: JSONWriter.bytes(command.body), timeout: timeout,
            maxResponseBytes: Self.largestPage, allowsPlainHTTP: url.hasPrefix("http:"))
    }
}
