import Glibc
import MMCore
import MMOperations
import MMPool
import MMSystem
import TestSupport
import Testing

@testable import MMServing

/// The output of `kubectl kustomize` for the example overlay.
private enum Manifests {
    static let folder = BuiltPrograms.packageFolder + "/Deploy/kubernetes"
    static let overlay = folder + "/overlays/example"

    /// The program that renders, with its arguments.
    static let renderer: [String]? = {
        if let kustomize = ExecutableSearch.find("kustomize", path: "/usr/local/bin:/usr/bin:/bin") {
            return [kustomize, "build"]
        }
        return ExecutableSearch.find("kubectl", path: "/usr/local/bin:/usr/bin:/bin").map { [$0, "kustomize"] }
    }()

    /// Python with the schemas of Kubernetes (Scripts/python-clients).
    static let python: String? = {
        let path = BuiltPrograms.packageFolder + "/.build/python-kubernetes/bin/python"
        return access(path, X_OK) == 0 ? path : nil
    }()

    static func rendered() async throws -> String {
        let words = try #require(renderer)
        let outcome = try await ChildProcess.run(
            ChildCommand(
                words[0], Array(words.dropFirst()) + [overlay],
                environment: ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"]),
            input: [], limit: 4 << 20, timeout: .seconds(120))
        try #require(outcome.exit.code == 0, "\(String(decoding: outcome.error, as: UTF8.self))")
        return String(decoding: outcome.output, as: UTF8.self)
    }

    static func objects() async throws -> [JSONValue] {
        var documents: [[Substring]] = [[]]
        for line in try await rendered().split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "---" { documents.append([]) } else { documents[documents.count - 1].append(line) }
        }
        return try documents.compactMap { lines in
            try YAMLNode.read(Array(lines.joined(separator: "\n").utf8), name: "the manifests")?.json
        }
    }
}

extension JSONValue {
    fileprivate var items: [JSONValue] { array ?? [] }
    fileprivate var name: String { self["metadata"]?["name"]?.string ?? "" }
    fileprivate var pod: JSONValue { self["spec"]?["template"]?["spec"] ?? .null }
    fileprivate var container: JSONValue { pod["containers"]?[0] ?? .null }
    fileprivate var words: [String] { container["args"]?.items.compactMap(\.string) ?? [] }

    /// Whether labels have all of these.
    fileprivate func admits(_ selector: JSONValue?) -> Bool {
        let wanted = selector?["matchLabels"]?.object ?? selector?.object ?? [:]
        return wanted.allSatisfy { self[$0.key] == $0.value }
    }
}

@Suite(
    "The manifests for Kubernetes",
    .enabled(if: Manifests.renderer != nil, "needs kubectl or kustomize, which render them"), .timeLimit(.minutes(5)))
struct KubernetesManifestTests {
    private let objects: [JSONValue]

    init() async throws { objects = try await Manifests.objects() }

    private func all(_ kind: String) -> [JSONValue] { objects.filter { $0["kind"]?.string == kind } }
    private var workloads: [JSONValue] { all("Deployment") + all("StatefulSet") }
    private var podLabels: [JSONValue] {
        workloads.compactMap { $0["spec"]?["template"]?["metadata"]?["labels"] }
    }

    @Test("are valid by Kubernetes' own schemas", arguments: ["1.30", "1.33", "1.37"])
    func schemas(version: String) async throws {
        guard let python = Manifests.python else {
            print("skipped: needs the schemas of Kubernetes (Scripts/python-clients)")
            return
        }
        let home = try TestHome()
        let file = home.path + "/manifests.yaml"
        try ProtectedFile.replace(file, with: Array(try await Manifests.rendered().utf8))
        let outcome = try await ChildProcess.run(
            ChildCommand(
                python, ["-m", "kubernetes_validate", "-k", version, "--strict", file],
                environment: ["PATH": "/usr/bin"]),
            input: [], limit: 4 << 20, timeout: .seconds(120))
        let text = String(decoding: outcome.output + outcome.error, as: UTF8.self)
        #expect(outcome.exit.code == 0, "\(text)")
        #expect(text.split(separator: "\n").count { $0.contains(" passed ") } == objects.count, "\(text)")
    }

    @Test("start a router and two pools with valid arguments, at the ports that are named")
    func words() throws {
        #expect(workloads.map(\.name).sorted() == ["contoso-pool", "fabrikam-pool", "mm-router"])
        for workload in workloads {
            let words = workload.words
            #expect(words.prefix(2) == ["pool", "serve"])
            var arguments = JSONObject()
            for word in words.dropFirst(2) {
                let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
                let field = try #require(
                    PoolServeOptions.fields.first { $0.name == parts[0] }, "--\(parts[0]) is unknown")
                switch field.kind {
                case .flag:
                    #expect(parts.count == 1)
                    arguments[field.name] = true
                case .textList:
                    // Replace the cluster's variables.
                    let value = parts[1].replacing("$(MM_NAMESPACE)", with: "x").replacing("$(MM_POD)", with: "y")
                    arguments[field.name] = .array((arguments[field.name]?.items ?? []) + [.string(value)])
                default: arguments[field.name] = .string(parts[1])
                }
            }
            // The cluster supplies the certificates.
            for flag in ["tls-cert", "tls-key"] {
                #expect(arguments[flag]?.string?.hasPrefix("/etc/mm/tls/..data/") == true)
                arguments[flag] = nil
            }
            arguments["behind-proxy"] = true
            let reader = try InputReader(operation: "pool serve", arguments: arguments, fields: PoolServeOptions.fields)
            let options = try PoolServeOptions(reader, environment: [:])
            let address = try #require(try reader.textList("listen")?.first)
            let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
            #expect(workload.container["ports"]?[0]?["containerPort"]?.int == port)
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                let question = try #require(workload.container[probe]?["httpGet"])
                #expect(question["port"]?.string == workload.container["ports"]?[0]?["name"]?.string)
                #expect(question["scheme"] == "HTTPS")
                let path = try #require(question["path"]?.string)
                #expect(path == (probe == "readinessProbe" ? "/ready" : "/health"))
            }
            if workload["kind"] == "Deployment" {
                guard case .network(let template, _, _) = try IsolatedPoolOptions.read(reader) else {
                    Issue.record("The router looks for its pools elsewhere.")
                    continue
                }
                #expect(options.isIsolated)
                try found(template.replacing("$(MM_NAMESPACE)", with: "microsoft-master"))
            } else {
                #expect(options.endpoints.first?.face.name == "pool")
            }
        }
        for service in all("Service") {
            #expect(service["spec"]?["ports"]?[0]?["port"] == 5200)
            #expect(service["spec"]?["ports"]?[0]?["targetPort"] == "https")
        }
    }

    /// The router's name for each connection's pool is its name in the cluster, which the pool also accepts.
    private func found(_ template: String) throws {
        let addresses = try PoolTemplate(template, bearer: nil, trustsNetwork: false)
        let registry = try registry("mm-registry")
        #expect(registry.names == ["Contoso", "Fabrikam"])
        for name in registry.names {
            let label = try #require(PoolTemplate.label(name))
            let pool = try #require(all("StatefulSet").first { $0.name == "\(label)-pool" })
            let service = try #require(pool["spec"]?["serviceName"]?.string)
            #expect(all("Service").first { $0.name == service }?["spec"]?["clusterIP"] == "None")
            let host = "\(pool.name)-0.\(service).microsoft-master.svc"
            #expect(try addresses.address(name, among: registry.names).description == "https://\(host):5200")
            #expect(
                pool.words.contains { word in
                    word.replacing("$(MM_POD)", with: "\(pool.name)-0").replacing(
                        "$(MM_NAMESPACE)", with: "microsoft-master") == "--allow-host=\(host)"
                })
            // A pool sees only its own connection, as the router knows it.
            let own = try self.registry("\(label)-registry")
            #expect(own.names == [name])
            #expect(own.document["connections"]?[name] == registry.document["connections"]?[name])
            #expect(
                pool["spec"]?["template"]?["metadata"]?["labels"]?["microsoft-master/connection"]?.string == label)
        }
    }

    private func registry(_ name: String) throws -> RegistrySnapshot {
        let map = try #require(all("ConfigMap").first { $0.name.hasPrefix(name + "-") })
        let text = try #require(map["data"]?["connections.json"]?.string)
        let snapshot = try RegistrySnapshot(document: try #require(try JSONParser.parse(text).object))
        #expect(snapshot.problems.isEmpty, "\(snapshot.problems)")
        return snapshot
    }

    @Test(
        "run without root, capabilities, a writable file system and secrets in files"
    )
    func confined() throws {
        for workload in workloads {
            let pod = workload.pod
            #expect(pod["securityContext"]?["runAsNonRoot"] == true)
            #expect(pod["securityContext"]?["seccompProfile"]?["type"] == "RuntimeDefault")
            #expect(pod["automountServiceAccountToken"] == false)
            let security = workload.container["securityContext"]
            #expect(security?["allowPrivilegeEscalation"] == false && security?["readOnlyRootFilesystem"] == true)
            #expect(security?["capabilities"]?["drop"] == ["ALL"])
            #expect(workload.container["resources"]?["limits"]?["memory"] != nil)
            // Everything is written to a volume, and every mount has one.
            let claims = workload["spec"]?["volumeClaimTemplates"]?.items.map(\.name) ?? []
            let volumes = (pod["volumes"]?.items ?? []).compactMap { $0["name"]?.string } + claims
            let mounts = workload.container["volumeMounts"]?.items ?? []
            #expect(Set(mounts.compactMap { $0["name"]?.string }) == Set(volumes))
            for path in ["/var/lib/mm", "/tmp"] {
                #expect(mounts.contains { $0["mountPath"]?.string == path && $0["readOnly"] != true })
            }
            // Files in arguments and variables are mounted.
            let values = (workload.container["env"]?.items ?? []).compactMap { $0["value"]?.string }
            for text in workload.words + values where text.contains("/etc/mm/") {
                let path = text.split(separator: "=").last.map(String.init) ?? text
                #expect(mounts.contains { path.hasPrefix(($0["mountPath"]?.string ?? "?") + "/..data/") }, "\(path)")
            }
            // The grace period covers the preStop sleep, the drain and a margin.
            let drain = (workload.container["env"]?.items ?? []).first { $0["name"] == "MM_POOL_DRAIN" }?["value"]
            let before = workload.container["lifecycle"]?["preStop"]?["sleep"]?["seconds"]?.int ?? 0
            let grace = try #require(pod["terminationGracePeriodSeconds"]?.int)
            let limit = try #require(drain?.string.flatMap { Int($0) })
            #expect(grace >= before + limit + 10, "\(workload.name)")
        }
        #expect(all("Secret").isEmpty)
    }

    @Test("admit only the router to pools, and pools only to port 443 outside")
    func network() throws {
        let policies = all("NetworkPolicy")
        let deny = try #require(policies.first { $0["spec"]?["podSelector"] == [:] })
        #expect(deny["spec"]?["policyTypes"] == ["Ingress", "Egress"])
        #expect(deny["spec"]?["ingress"] == nil && deny["spec"]?["egress"] == nil)
        for policy in policies {
            #expect(podLabels.contains { $0.admits(policy["spec"]?["podSelector"]) }, "\(policy.name) selects nobody")
            for rule in (policy["spec"]?["ingress"]?.items ?? []) + (policy["spec"]?["egress"]?.items ?? []) {
                for peer in (rule["from"] ?? rule["to"])?.items ?? [] where peer["namespaceSelector"] == nil {
                    guard let selector = peer["podSelector"] else { continue }
                    #expect(podLabels.contains { $0.admits(selector) }, "\(policy.name) admits nobody")
                }
                for port in rule["ports"]?.items ?? [] where port["port"]?.string != nil {
                    #expect(workloads.allSatisfy { $0.container["ports"]?[0]?["name"] == port["port"] })
                }
            }
        }
        let pools = try #require(policies.first { $0.name == "mm-pools" })
        let ingress = try #require(pools["spec"]?["ingress"]?.items)
        let egress = try #require(pools["spec"]?["egress"]?.items)
        #expect(ingress.count == 1 && egress.count == 1)
        let callers = podLabels.filter { $0.admits(ingress[0]["from"]?[0]?["podSelector"]) }
        #expect(callers.compactMap { $0["app.kubernetes.io/component"]?.string } == ["router"])
        #expect(egress[0]["ports"] == [["port": 443, "protocol": "TCP"]])
        for selector in all("Service").map({ $0["spec"]?["selector"] })
            + all("PodDisruptionBudget").map({ $0["spec"]?["selector"] })
        {
            #expect(podLabels.contains { $0.admits(selector) })
        }
        let scaled = try #require(all("HorizontalPodAutoscaler").first)
        #expect(scaled["spec"]?["scaleTargetRef"]?["name"]?.string == all("Deployment").first?.name)
    }

    @Test("use a metric that the programs have")
    func metric() throws {
        let bytes = try #require(try ProtectedFile.read(Manifests.folder + "/base/autoscaler.yaml"))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("mm_sessions{") && text.contains("as: mm_sessions_open"))
        let scaled = try #require(all("HorizontalPodAutoscaler").first)
        #expect(scaled["spec"]?["metrics"]?[0]?["external"]?["metric"]?["name"] == "mm_sessions_open")
    }
}
