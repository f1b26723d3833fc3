import Glibc
package import MMCore
import MMHTTP
import MMIdentity

/// Checks whether the services of the clouds in use can be reached, and whether this machine's clock agrees with
/// theirs.
package struct NetworkChecks: Sendable {
    /// The environment, with the proxy, certificates and the sandbox tenant.
    private let environment: [String: String]
    /// The paths with the descriptions of custom clouds.
    private let paths: StatePaths
    private let deadline: Deadline
    private let limit: Duration

    /// Creates the checks of the network.
    /// - Parameters:
    ///   - environment: names the proxy, certificates and the sandbox tenant.
    ///   - paths: the paths with the descriptions of custom clouds.
    ///   - deadline: when to stop waiting for answers, if that is sooner than usual.
    ///   - limit: how long each answer is waited for.
    package init(
        environment: [String: String], paths: StatePaths, deadline: Deadline = .never, limit: Duration = .seconds(8)
    ) {
        self.environment = environment
        self.paths = paths
        self.deadline = deadline
        self.limit = limit
    }

    /// Sends a request to the sign-in service and Microsoft Graph of each cloud, one to each address.
    /// - Parameter connections: the connections whose clouds are checked; without any, the public cloud.
    package func examine(_ connections: [Connection], into report: inout DoctorReport) async {
        let configuration = HTTPClientConfiguration(environment: environment)
        if let proxy = configuration.proxy { report.add("proxy", .sound, "a proxy is set in \(proxy.variable)") }
        if let file = configuration.certificateFile {
            if access(file, R_OK) == 0 {
                report.add("certificates", .sound, "\(file), named by SSL_CERT_FILE")
            } else {
                report.add(
                    "certificates", .failed, "SSL_CERT_FILE names \(file), which can't be read",
                    remedy: "Correct the path, or unset SSL_CERT_FILE to use the system's certificates.")
            }
        }
        let client = HTTPClient(configuration: configuration)
        var asked: Set<String> = []
        var clouds = connections.map(\.cloud)
        if clouds.isEmpty { clouds = ["public"] }
        for name in clouds where asked.insert(name).inserted {
            let cloud: Cloud
            do throws(MMError) {
                cloud = try Cloud.named(name, paths: paths, environment: environment)
            } catch {
                report.add("cloud \(name)", error)
                continue
            }
            // Some clouds share their hosts.
            let signIn = cloud.openIDConfiguration(of: "common")
            if asked.insert(signIn).inserted, let date = await ask(signIn, client, into: &report) {
                compare(date, of: cloud.environment, into: &report)
            }
            if let graph = cloud.base(of: .graph), asked.insert(graph).inserted {
                _ = await ask(graph + "/v1.0/", client, into: &report)
            }
        }
        await client.shutdown()
    }

    /// Sends a request. Any response of the service, also a refusal for the missing token, shows that it can be
    /// reached. Both services respond in JSON here; the page of a network's sign-in or of a proxy doesn't.
    /// - Returns: the time in the response.
    private func ask(_ address: String, _ client: HTTPClient, into report: inout DoctorReport) async -> Timestamp? {
        let host = WebAddress(address)?.host ?? address
        let start = ContinuousClock.now
        let response: HTTPResponse
        do throws(HTTPError) {
            let timeout = min(limit, max(deadline.remaining, .milliseconds(1)))
            response = try await client.send(
                HTTPRequest(method: "GET", url: address, timeout: timeout, allowsPlainHTTP: true))
        } catch {
            report.add(
                "network", .failed, error.message,
                remedy: error.hint ?? "Check the network, DNS, and HTTPS_PROXY if you use a proxy.")
            return nil
        }
        let took = start.duration(to: .now) / .milliseconds(1)
        guard (try? JSONParser.parse(response.body))?.object != nil else {
            report.add("network", EntraClient.answeredByAnother(response, insteadOf: host, at: address))
            return nil
        }
        report.add("network", .sound, "\(host) answers in \(Int(took)) ms")
        return response.headers["Date"].flatMap { HTTPDate.timestamp($0) }
    }

    /// Compares the clocks, since services refuse tokens and signatures if the clocks differ.
    private func compare(_ date: Timestamp, of host: String, into report: inout DoctorReport) {
        let ahead = Timestamp.now.seconds - date.seconds
        guard abs(ahead) > 60 else { return report.add("clock", .sound, "agrees with \(host)") }
        let words = "this machine's clock is \(abs(ahead)) s \(ahead > 0 ? "ahead of" : "behind") \(host)"
        report.add(
            "clock", abs(ahead) > 300 ? .failed : .advice, words,
            remedy: "Sign-ins fail if the clock is off by more than five minutes. Set it: sudo timedatectl set-ntp true"
        )
    }
}
