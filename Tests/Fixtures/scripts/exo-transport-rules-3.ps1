# Connect only when there is no session yet
$connection = Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' }
if (-not $connection) {
    Connect-ExchangeOnline
}
Get-TransportRule | Select-Object Name, State, Priority, Comments | Format-List
Get-InboundConnector | Select-Object Name, Enabled, ConnectorType
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
