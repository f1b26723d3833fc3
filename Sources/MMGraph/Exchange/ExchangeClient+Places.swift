internal import MMCore
internal import MMHTTP
package import MMIdentity

/// The addresses that requests are sent to, and the checks of those that they may be sent to.
extension ExchangeClient {
    /// Returns the base URL of the service in this cloud.
    nonisolated func row() throws(MMError) -> String {
        guard let base = cloud.base(of: service.resource) else {
            throw MMError(.unsupported, "The cloud \(cloud.name) has no host for \(service.title).")
        }
        return base
    }

    /// Returns the path of a cmdlet's first page.
    nonisolated func path(_ command: ExchangeCommand, _ tenant: String) -> String {
        let path = "/adminapi/beta/\(tenant)/InvokeCommand"
        let names = command.properties.filter { $0.utf8.allSatisfy { Self.isNameByte($0) } && !$0.isEmpty }
        guard names.count == command.properties.count, !names.isEmpty else { return path }
        return path + "?$select=" + names.joined(separator: ",")
    }

    private nonisolated static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }

    /// Returns whether a URL is one of the service's own; unlike with links, a foreign one is no fault.
    package nonisolated func serves(_ address: WebAddress) -> Bool { (try? admits(address)) ?? false }

    /// Returns whether a URL belongs to the service: its host or a subdomain over `https`; in the sandbox, only its own
    /// address.
    nonisolated func admits(_ address: WebAddress) throws(MMError) -> Bool {
        guard let row = WebAddress(try row()), !address.hasUserInfo, address.scheme == row.scheme else { return false }
        if address.host == row.host, address.port == row.port { return true }
        return row.scheme == "https" && address.port == 443 && address.host.hasSuffix("." + row.host)
    }

    /// Returns the URL of a next page, after checking that the token may be sent there.
    /// - Throws: `.denied` for a host that isn't the service's.
    func checked(_ link: String, of command: ExchangeCommand) throws(MMError) -> String {
        if let address = Self.address(link), address.pathAndQuery.lowercased().hasPrefix("/adminapi/"),
            try admits(address)
        {
            return address.origin + address.pathAndQuery
        }
        let place = WebAddress(link)?.origin ?? "an address that can't be read"
        throw MMError(
            .denied,
            "The next page of \(command.cmdlet) is said to be at \(place), which isn't a host of "
                + "\(service.title): it was "
                + "not asked for.",
            hint: "The rows so far are complete pages. No token was sent there.",
            details: ["host": .string(place), "cmdlet": .string(command.cmdlet)])
    }

    /// Parses a URL from the service, which sometimes contains the port of its internal side (446).
    nonisolated static func address(_ text: String) -> WebAddress? {
        guard let address = WebAddress(text) else { return nil }
        guard address.scheme == "https", address.port == 446 else { return address }
        return WebAddress("https://\(address.host)\(address.pathAndQuery)")
    }

    /// Handles a redirect to the regional host that serves the tenant from now on.
    /// - Returns: the URL to send the request to; `nil` when the host isn't the service's.
    func moved(by response: GraphResponse, from url: String) throws(MMError) -> String? {
        guard let location = response.header("Location"), let old = WebAddress(url) else { return nil }
        let text = location.hasPrefix("/") && !location.hasPrefix("//") ? old.origin + location : location
        guard let address = Self.address(text), try admits(address) else { return nil }
        regionalOrigin = address.origin
        cookies = response.fields.values(for: "Set-Cookie").compactMap(Self.cookie).suffix(8)
        return address.pathAndQuery.lowercased().hasPrefix("/adminapi/")
            ? address.origin + address.pathAndQuery : address.origin + old.pathAndQuery
    }

    private static func cookie(_ text: String) -> String? {
        let pair = text.prefix { $0 != ";" }
        guard pair.contains("="), pair.utf8.count <= 2048,
            pair.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2C })
        else { return nil }
        return String(pair)
    }

    /// Finds the host that serves a tenant's compliance cmdlets, once; the public host names it in a redirect.
    func findHome(_ deadline: Deadline) async throws(MMError) {
        guard regionalOrigin == nil, service == .compliance else { return }
        let base = try row()
        let token = try await identity.token(for: connection, resource: service.resource, deadline: deadline)
        let request = HTTPRequest(
            method: "GET",
            url: base + "/adminapi/beta/\(token.account.tenantID)/EXOBanner('AutogenSession')?Version=\(Self.version)",
            headers: headers(by: token.account, authorization: token.authorization),
            timeout: min(.seconds(60), max(deadline.remaining, .milliseconds(1))), maxResponseBytes: 4 << 20,
            allowsPlainHTTP: base.hasPrefix("http:"))
        let response = try await sendOnce(
            request, "finding the compliance host of \(connection.name)", deadline: deadline)
        guard (300..<400).contains(response.status), let location = response.headers["Location"] else {
            // Without a redirect, the tenant is served by the public host.
            regionalOrigin = base
            return
        }
        // Only the first label counts: the rest of the name isn't that of the host that runs cmdlets.
        guard let place = WebAddress(location), let row = WebAddress(base), row.scheme == "https",
            let label = place.host.split(separator: ".").first, place.host.split(separator: ".").count > 2,
            label.utf8.allSatisfy({ Self.isNameByte($0) || $0 == 0x2D })
        else {
            guard let place = Self.address(location), try admits(place) else {
                throw MMError(
                    .remoteFailed, "\(service.title) sends \(connection.name) to a host that isn't one of its own.",
                    hint: "Nothing was sent there. Check the cloud of the connection.",
                    details: ["host": .string(WebAddress(location)?.origin ?? "unreadable")])
            }
            regionalOrigin = place.origin
            return
        }
        // In one cloud the service's own host already has a label in front.
        let bare = row.host.hasPrefix("ps.") ? row.host : row.host.drop { $0 != "." }.dropFirst().description
        regionalOrigin = "https://\(label).\(bare)"
    }
}
