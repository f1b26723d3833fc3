#Requires -Version 5.1
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Users
Import-Module Microsoft.Graph.Users
Connect-MgGraph -Scopes 'User.Read.All','AuditLog.Read.All'
$org = Get-MgOrganization
$org.VerifiedDomains | Select-Object Name, IsDefault
$context = Get-MgContext
Write-Host "Signed in to $($context.TenantId)"
Disconnect-MgGraph -ErrorAction SilentlyContinue
