package installed_test

import (
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/network"
)

func TestMain(m *testing.M) { network.Main(m) }
