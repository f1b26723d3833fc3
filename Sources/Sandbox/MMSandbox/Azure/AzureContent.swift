internal import MMCore

/// The content of the sandbox's subscription: groups, resources, and the changes since the start.
final class AzureContent {
    static let subscriptionID = "5a4db0c5-5ab5-4000-8000-000000000001"
    static let root = "/subscriptions/\(subscriptionID)"
    /// The id by which the rows of logs name their workspace.
    static let workspaceID = AzureKind.ownID("log-data")

    private(set) var groups: [JSONValue]
    private(set) var resources: [JSONValue]
    /// What machines were asked to do, by address in lower case, and when.
    private var deeds: [String: [(action: MachineAction, time: Int64)]] = [:]

    init() {
        groups = Self.firstGroups.map { Self.group($0.name, ["location": .string($0.location)]) }
        resources = Self.firstGroups.flatMap { group in
            AzureKind.all.compactMap { kind in kind.resource("\(group.name.dropFirst(3))", group.name, group.location) }
        }
    }

    private static let firstGroups = [
        (name: "rg-web", location: "westeurope"), (name: "rg-data", location: "westeurope"),
        (name: "rg-sandbox", location: "northeurope"),
    ]

    // MARK: Groups

    func group(_ name: String) -> JSONValue? { groups.first { Self.isNamed($0, name) } }

    /// Creates or changes a group.
    /// - Returns: the group, and whether it is new.
    func putGroup(_ name: String, _ body: JSONObject) -> (row: JSONValue, isNew: Bool) {
        let at = groups.firstIndex { Self.isNamed($0, name) }
        let before = at.flatMap { groups[$0].object } ?? [:]
        let row = Self.group(before["name"]?.string ?? name, Self.merged(before, body))
        if let at { groups[at] = row } else { groups.append(row) }
        return (row, at == nil)
    }

    /// Removes a group with all that is in it.
    /// - Returns: whether there was one.
    func removeGroup(_ name: String) -> Bool {
        guard let at = groups.firstIndex(where: { Self.isNamed($0, name) }) else { return false }
        groups.remove(at: at)
        resources.removeAll { Self.lies($0, inGroup: name) }
        return true
    }

    // MARK: Resources

    func resources(ofType type: String, inGroup group: String?) -> [JSONValue] {
        resources.filter { row in
            row["type"]?.string?.lowercased() == type.lowercased()
                && (group.map { Self.lies(row, inGroup: $0) } ?? true)
        }
    }

    func resources(inGroup group: String) -> [JSONValue] { resources.filter { Self.lies($0, inGroup: group) } }

    /// Returns the resource with an id, or the part of one that has an id of its own, such as a network's subnet.
    func resource(_ id: String) -> JSONValue? {
        if let found = resources.first(where: { Self.hasID($0, id) }) { return found }
        let words = id.split(separator: "/")
        guard words.count > 2 else { return nil }
        let owner = "/" + words.dropLast(2).joined(separator: "/")
        let parts = resources.first { Self.hasID($0, owner) }?["properties"]?.object?
            .first { $0.key.lowercased() == words[words.count - 2].lowercased() }?.value.array
        return parts?.first { Self.hasID($0, id) }
    }

    /// Creates or changes a resource.
    /// - Returns: the resource, and whether it is new.
    func putResource(_ place: AzurePath, name: String, _ body: JSONObject) -> (row: JSONValue, isNew: Bool) {
        let id = place.id(of: name)
        let at = resources.firstIndex { Self.hasID($0, id) }
        var row: JSONObject = ["id": .string(id), "name": .string(name), "type": .string(place.type)]
        for (key, value) in Self.merged(at.flatMap { resources[$0].object } ?? [:], body) where row[key] == nil {
            row[key] = value
        }
        var properties = row["properties"]?.object ?? [:]
        properties["provisioningState"] = "Succeeded"
        row["properties"] = .object(properties)
        if let at {
            resources[at] = .object(row)
        } else {
            resources.append(.object(row))
            deeds[id.lowercased()] = nil
        }
        return (.object(row), at == nil)
    }

    /// Removes a resource and its child resources.
    /// - Returns: whether there was one.
    func removeResource(_ id: String) -> Bool {
        let count = resources.count
        let below = "\(id.lowercased())/"
        resources.removeAll { row in
            Self.hasID(row, id) || row["id"]?.string?.lowercased().hasPrefix(below) == true
        }
        return resources.count < count
    }

    // MARK: Machines

    /// Asks a machine to do something.
    func ask(_ machine: String, to action: MachineAction, at now: Int64) {
        deeds[machine.lowercased(), default: []].append((action, now))
    }

    /// Returns the power state that a machine had at a time.
    func state(of machine: JSONValue, at time: Int64) -> String {
        let deeds = deeds[machine["id"]?.string?.lowercased() ?? ""] ?? []
        return deeds.last { $0.time <= time }.map { $0.action.state(after: time - $0.time) } ?? "running"
    }

    /// Returns a machine together with what it is doing, which the service tells only to those who ask for it. Other
    /// resources are returned as they are.
    func withInstanceView(_ row: JSONValue, at now: Int64) -> JSONValue {
        guard var machine = row.object, machine["type"]?.string == MachineAction.type,
            var properties = machine["properties"]?.object
        else { return row }
        let state = state(of: row, at: now)
        func status(_ code: String, _ text: String) -> JSONValue {
            ["code": .string(code), "level": "Info", "displayStatus": .string(text)]
        }
        var view: JSONObject = [:]
        // Only a running machine tells of its system.
        if state == "running" {
            view = [
                "computerName": machine["name"] ?? .null, "osName": "debian", "osVersion": "12",
                "vmAgent": ["vmAgentVersion": "2.9.1.1", "statuses": [status("ProvisioningState/succeeded", "Ready")]],
            ]
        }
        view["hyperVGeneration"] = "V2"
        view["statuses"] = [
            status("ProvisioningState/succeeded", "Provisioning succeeded"),
            status("PowerState/\(state)", "VM \(state)"),
        ]
        properties["instanceView"] = .object(view)
        machine["properties"] = .object(properties)
        return .object(machine)
    }

    // MARK: Rows

    /// Returns the address of a group, or of the subscription itself without one.
    static func scope(ofGroup name: String?) -> String { name.map { "\(root)/resourceGroups/\($0)" } ?? root }

    private static func group(_ name: String, _ members: JSONObject) -> JSONValue {
        var row: JSONObject = [
            "id": .string(scope(ofGroup: name)), "name": .string(name),
            "type": "Microsoft.Resources/resourceGroups", "location": members["location"] ?? "westeurope",
        ]
        row["tags"] = members["tags"]
        row["managedBy"] = members["managedBy"]
        row["properties"] = ["provisioningState": "Succeeded"]
        return .object(row)
    }

    private static func merged(_ before: JSONObject, _ body: JSONObject) -> JSONObject {
        var made = before
        for (key, value) in body {
            if let old = made[key]?.object, let new = value.object, key != "tags" {
                made[key] = .object(merged(old, new))
            } else {
                made[key] = value
            }
        }
        return made
    }

    /// Returns the name of a resource's group.
    static func group(of row: JSONValue) -> String? {
        let words = row["id"]?.string?.split(separator: "/") ?? []
        return words.count > 3 && words[2].lowercased() == "resourcegroups" ? String(words[3]) : nil
    }

    /// Returns whether a group or a resource has a name, whose case doesn't count.
    static func isNamed(_ row: JSONValue, _ name: String) -> Bool {
        row["name"]?.string?.lowercased() == name.lowercased()
    }

    private static func hasID(_ row: JSONValue, _ id: String) -> Bool {
        row["id"]?.string?.lowercased() == id.lowercased()
    }

    private static func lies(_ row: JSONValue, inGroup group: String) -> Bool {
        Self.group(of: row)?.lowercased() == group.lowercased()
    }
}

/// A path below a subscription that names resources of a provider: `resourceGroups/G/providers/NS/TYPE/NAME/SUBTYPE/…`.
struct AzurePath: Sendable {
    /// The group; nil at the subscription itself.
    let group: String?
    /// The provider's namespace.
    let namespace: String
    /// The types, from the outermost to the innermost.
    let types: [String]
    /// The names; as many as types for a single resource, one less for a list, and more for an action of a resource.
    let names: [String]

    /// Parses a path; nil for one that doesn't name a provider's resources.
    init?(_ segments: [String]) {
        var rest = segments[...]
        if rest.first?.lowercased() == "resourcegroups", rest.count > 2 {
            group = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        } else {
            group = nil
        }
        guard rest.first?.lowercased() == "providers", rest.count > 2 else { return nil }
        namespace = rest[rest.startIndex + 1]
        let words = rest.dropFirst(2)
        types = words.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
        names = words.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
    }

    /// The name of the resource; nil for a list.
    var name: String? { names.count == types.count ? names.last : nil }

    /// The whole type (`Microsoft.Sql/servers/databases`), in the known spelling as far as there is one.
    var type: String {
        var known = types.count
        while known > 0 {
            let kind = AzureKind.named(([namespace] + types.prefix(known)).joined(separator: "/"))
            if let kind { return ([kind.type] + types.dropFirst(known)).joined(separator: "/") }
            known -= 1
        }
        return ([namespace] + types).joined(separator: "/")
    }

    /// Returns the resource's address.
    func id(of name: String) -> String {
        var words = group.map { ["resourceGroups", $0] } ?? []
        words += ["providers", namespace]
        for (at, type) in types.enumerated() { words += [type, at + 1 == types.count ? name : names[at]] }
        return "\(AzureContent.root)/\(words.joined(separator: "/"))"
    }
}

/// A type of resources, with the properties of its first resources.
struct AzureKind: Sendable {
    /// The type.
    let type: String
    /// The prefix of names; nil for a type that has no resources at the start.
    var prefix: String?
    /// The end of names.
    var suffix = ""
    /// The only group that has a resource of this type at the start; nil for all groups.
    var only: String?
    /// The properties of a resource besides its address, location and state.
    var members: @Sendable (_ name: String, _ group: String) -> JSONObject = { _, _ in [:] }
    /// The status with which its service answers a new resource; some never answer 201, and their clients refuse it.
    var statusOfNew = 201

    /// Returns the kind with a type name, ignoring case.
    static func named(_ type: String) -> AzureKind? { all.first { $0.type.lowercased() == type.lowercased() } }

    /// Returns the first resource in a group; nil if there is none of this type.
    func resource(_ stem: String, _ group: String, _ location: String) -> JSONValue? {
        guard let prefix, (only ?? group) == group else { return nil }
        let name = prefix + stem + suffix
        var row: JSONObject = [
            "id": .string("\(Self.providers(group))/\(type)/\(name)"),
            "name": .string(name), "type": .string(type), "location": .string(location), "tags": [:],
        ]
        for (key, value) in members(name, group) { row[key] = value }
        var properties = row["properties"]?.object ?? [:]
        properties["provisioningState"] = "Succeeded"
        row["properties"] = .object(properties)
        return .object(row)
    }

    static let all: [AzureKind] =
        [
            AzureKind(type: "Microsoft.Storage/storageAccounts", prefix: "sa", members: storage, statusOfNew: 200),
            AzureKind(type: "Microsoft.Web/sites", prefix: "app", members: site, statusOfNew: 200),
            AzureKind(type: "Microsoft.KeyVault/vaults", prefix: "kv", members: vault),
            AzureKind(type: MachineAction.type, prefix: "vm-", members: machine),
            AzureKind(
                type: "Microsoft.Compute/disks", prefix: "vm-", suffix: "-os", members: disk, statusOfNew: 200),
            AzureKind(type: "Microsoft.Network/networkInterfaces", prefix: "vm-", suffix: "-nic", members: interface),
            AzureKind(type: "Microsoft.Network/virtualNetworks", prefix: "vnet-", members: network),
            AzureKind(type: "Microsoft.Web/serverfarms", prefix: "plan-", members: plan, statusOfNew: 200),
            AzureKind(
                type: "Microsoft.OperationalInsights/workspaces", prefix: "log-", only: "rg-data", members: workspace),
            AzureKind(type: "Microsoft.Compute/snapshots", statusOfNew: 200),
        ] + others.map { AzureKind(type: $0) }

    /// The types that have no resources until one is created.
    private static let others = [
        "Microsoft.ApiManagement/service", "Microsoft.Authorization/denyAssignments", "Microsoft.Authorization/locks",
        "Microsoft.Authorization/policyAssignments", "Microsoft.Authorization/policyDefinitions",
        "Microsoft.Authorization/policySetDefinitions", "Microsoft.Automation/automationAccounts",
        "Microsoft.Cache/redis", "Microsoft.CognitiveServices/accounts", "Microsoft.Compute/availabilitySets",
        "Microsoft.Compute/images", "Microsoft.Compute/virtualMachineScaleSets",
        "Microsoft.Consumption/budgets", "Microsoft.Consumption/usageDetails",
        "Microsoft.ContainerInstance/containerGroups", "Microsoft.ContainerRegistry/registries",
        "Microsoft.ContainerService/managedClusters", "Microsoft.CostManagement/exports",
        "Microsoft.Databricks/workspaces", "Microsoft.DataFactory/factories", "Microsoft.DBforMySQL/flexibleServers",
        "Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DocumentDB/databaseAccounts",
        "Microsoft.EventHub/namespaces", "Microsoft.Insights/actionGroups", "Microsoft.Insights/activityLogAlerts",
        "Microsoft.Insights/components", "Microsoft.Insights/diagnosticSettings", "Microsoft.Insights/metricAlerts",
        "Microsoft.Logic/workflows", "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.Management/managementGroups",
        "Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.Network/applicationGateways",
        "Microsoft.Network/azureFirewalls", "Microsoft.Network/bastionHosts", "Microsoft.Network/dnsZones",
        "Microsoft.Network/loadBalancers", "Microsoft.Network/natGateways", "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/networkWatchers", "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/publicIPAddresses", "Microsoft.Network/routeTables",
        "Microsoft.RecoveryServices/vaults",
        "Microsoft.ResourceGraph/queries", "Microsoft.Resources/deployments", "Microsoft.Search/searchServices",
        "Microsoft.Security/assessments", "Microsoft.Security/autoProvisioningSettings",
        "Microsoft.Security/iotSecuritySolutions", "Microsoft.Security/jitNetworkAccessPolicies",
        "Microsoft.Security/pricings", "Microsoft.Security/securityContacts", "Microsoft.Security/settings",
        "Microsoft.ServiceBus/namespaces", "Microsoft.Sql/servers",
    ]

    private static func storage(_ name: String, _ group: String) -> JSONObject {
        let services = ["blob", "dfs", "file", "queue", "table"]
        return [
            "kind": "StorageV2", "sku": ["name": "Standard_LRS", "tier": "Standard"],
            "properties": [
                "creationTime": "2025-03-04T08:00:00.0000000Z", "accessTier": "Hot", "primaryLocation": "westeurope",
                "statusOfPrimary": "available", "supportsHttpsTrafficOnly": true, "allowBlobPublicAccess": false,
                "minimumTlsVersion": "TLS1_2",
                "networkAcls": ["bypass": "AzureServices", "defaultAction": "Allow", "ipRules": []],
                "privateEndpointConnections": [],
                "encryption": [
                    "keySource": "Microsoft.Storage",
                    "services": [
                        "blob": ["enabled": true, "keyType": "Account"],
                        "file": ["enabled": true, "keyType": "Account"],
                    ],
                ],
                "primaryEndpoints": .object(
                    JSONObject(services.map { ($0, .string("https://\(name).\($0).core.windows.net/")) })),
            ],
        ]
    }

    private static func site(_ name: String, _ group: String) -> JSONObject {
        [
            "kind": "app,linux",
            "properties": [
                "state": "Running", "enabled": true, "httpsOnly": true, "resourceGroup": .string(group),
                "defaultHostName": .string("\(name).azurewebsites.net"),
                "hostNames": [.string("\(name).azurewebsites.net")],
                "serverFarmId": .string("\(providers(group))/Microsoft.Web/serverfarms/plan-\(name.dropFirst(3))"),
            ],
        ]
    }

    private static func plan(_ name: String, _ group: String) -> JSONObject {
        [
            "kind": "linux", "sku": ["name": "B1", "tier": "Basic", "size": "B1", "family": "B", "capacity": 1],
            "properties": ["status": "Ready", "reserved": true, "numberOfSites": 1, "resourceGroup": .string(group)],
        ]
    }

    private static func workspace(_ name: String, _ group: String) -> JSONObject {
        [
            "properties": [
                "customerId": .string(ownID(name)), "sku": ["name": "PerGB2018"], "retentionInDays": 90,
                "createdDate": "2025-03-04T08:00:00.0000000Z", "publicNetworkAccessForIngestion": "Enabled",
                "publicNetworkAccessForQuery": "Enabled",
                "features": ["enableLogAccessUsingOnlyResourcePermissions": true],
            ]
        ]
    }

    private static func vault(_ name: String, _ group: String) -> JSONObject {
        [
            "properties": [
                "tenantId": .string(TenantIdentity.id), "sku": ["family": "A", "name": "standard"],
                "accessPolicies": [], "enabledForDeployment": false, "enableSoftDelete": true,
                "enableRbacAuthorization": true, "vaultUri": .string("https://\(name).vault.azure.net/"),
            ]
        ]
    }

    private static func machine(_ name: String, _ group: String) -> JSONObject {
        let place = providers(group)
        return [
            "properties": [
                "vmId": .string(ownID(name)), "hardwareProfile": ["vmSize": "Standard_B2s"],
                "storageProfile": [
                    "imageReference": [
                        "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest",
                    ],
                    "osDisk": [
                        "osType": "Linux", "name": .string("\(name)-os"), "createOption": "FromImage",
                        "managedDisk": [
                            "storageAccountType": "StandardSSD_LRS",
                            "id": .string("\(place)/Microsoft.Compute/disks/\(name)-os"),
                        ],
                    ], "dataDisks": [],
                ],
                "osProfile": [
                    "computerName": .string(name), "adminUsername": "operator",
                    "linuxConfiguration": ["disablePasswordAuthentication": true],
                ],
                "networkProfile": [
                    "networkInterfaces": [
                        ["id": .string("\(place)/Microsoft.Network/networkInterfaces/\(name)-nic")]
                    ]
                ],
            ]
        ]
    }

    private static func network(_ name: String, _ group: String) -> JSONObject {
        let id = "\(providers(group))/Microsoft.Network/virtualNetworks/\(name)"
        return [
            "properties": [
                "addressSpace": ["addressPrefixes": ["10.20.0.0/16"]], "enableDdosProtection": false,
                "virtualNetworkPeerings": [],
                "subnets": [
                    [
                        "id": .string("\(id)/subnets/default"), "name": "default",
                        "properties": ["addressPrefix": "10.20.0.0/24", "provisioningState": "Succeeded"],
                    ]
                ],
            ]
        ]
    }

    private static func interface(_ name: String, _ group: String) -> JSONObject {
        let id = "\(providers(group))/Microsoft.Network/networkInterfaces/\(name)"
        let machine = name.dropLast(4)
        let network = "\(providers(group))/Microsoft.Network/virtualNetworks/vnet-\(machine.dropFirst(3))"
        return [
            "properties": [
                "primary": true, "macAddress": "00-22-48-5A-4D-B0", "enableIPForwarding": false,
                "enableAcceleratedNetworking": false, "dnsSettings": ["dnsServers": [], "appliedDnsServers": []],
                "virtualMachine": machineReference(String(machine), group),
                "ipConfigurations": [
                    [
                        "id": .string("\(id)/ipConfigurations/ipconfig1"), "name": "ipconfig1",
                        "properties": [
                            "privateIPAddress": "10.20.0.4", "privateIPAllocationMethod": "Dynamic",
                            "privateIPAddressVersion": "IPv4", "primary": true, "provisioningState": "Succeeded",
                            "subnet": ["id": .string("\(network)/subnets/default")],
                        ],
                    ]
                ],
            ]
        ]
    }

    private static func disk(_ name: String, _ group: String) -> JSONObject {
        [
            "managedBy": machineReference(String(name.dropLast(3)), group)["id"] ?? .null,
            "sku": ["name": "StandardSSD_LRS", "tier": "Standard"],
            "properties": [
                "osType": "Linux", "diskSizeGB": 30, "diskState": "Attached", "hyperVGeneration": "V2",
                "creationData": ["createOption": "FromImage"], "timeCreated": "2025-03-04T08:00:00.0000000Z",
            ],
        ]
    }

    private static func machineReference(_ name: String, _ group: String) -> JSONValue {
        ["id": .string("\(providers(group))/Microsoft.Compute/virtualMachines/\(name)")]
    }

    /// Returns the address of the resource providers of a group.
    private static func providers(_ group: String) -> String {
        "\(AzureContent.root)/resourceGroups/\(group)/providers"
    }

    /// Returns an id that is always the same for a name.
    fileprivate static func ownID(_ name: String) -> String {
        let digits = name.utf8.reduce(into: UInt64(0x5A4D_B0C5)) { $0 = $0 &* 31 &+ UInt64($1) }
        return Guid.text(0x5A4D_B0C5_0000_0000, digits)
    }
}

/// What a virtual machine is asked to do ("Virtual Machines - Start", "Power Off", "Deallocate" and "Restart").
enum MachineAction: String, Sendable, CaseIterable {
    case start, powerOff, deallocate, restart

    /// The type of virtual machines.
    static let type = "Microsoft.Compute/virtualMachines"
    /// How long it takes, in seconds.
    static let duration: Int64 = 5

    /// Returns the action with a name, ignoring case.
    init?(named name: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
            return nil
        }
        self = found
    }

    /// Returns the power state of a machine some seconds after it was asked.
    func state(after seconds: Int64) -> String {
        let isDone = seconds >= Self.duration
        return switch self {
        case .start: isDone ? "running" : "starting"
        case .powerOff: isDone ? "stopped" : "stopping"
        case .deallocate: isDone ? "deallocated" : "deallocating"
        case .restart: "running"
        }
    }
}
